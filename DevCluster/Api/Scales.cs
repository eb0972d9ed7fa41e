using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Api;

/// <summary>The scale subresource: a small view of an object's replica fields.</summary>
internal static class Scales
{
    public static JsonObject Of(ResourceDefinition definition, JsonObject obj)
    {
        var scale = definition.Scale!;
        var status = new JsonObject { ["replicas"] = new JsonPath(scale.StatusPath).First(obj).AsLong() ?? 0 };
        if (scale.SelectorPath is { } path && new JsonPath(path).First(obj) is { } selector)
            status["selector"] = selector is JsonObject structured ? Text(structured) : selector.Display();
        var metadata = new JsonObject();
        foreach (var field in new[] { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" })
        {
            if (obj.At("metadata", field) is { } value)
                metadata[field] = value.DeepClone();
        }
        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["replicas"] = new JsonPath(scale.SpecPath).First(obj).AsLong() ?? 0 },
            ["status"] = status,
        };
    }

    /// <exception cref="ApiException">422 when a patch made something else of the scale.</exception>
    public static JsonObject Checked(JsonNode? scale)
    {
        if (scale is JsonObject obj && SchemaValidator.Validate(obj, BuiltinSchemas.For("autoscaling.v1.Scale")).Count == 0)
            return obj;
        throw ApiException.Invalid("", "", "", [new("FieldValueInvalid", $"Invalid value: {scale.ToUtf8Text()}: cannot be handled as a Scale", "patch")]);
    }

    /// <summary>The patch of the object that a written Scale amounts to.</summary>
    public static JsonObject AsPatch(ResourceDefinition definition, JsonObject scale, PatchKind kind)
    {
        if (SchemaValidator.Validate(scale, BuiltinSchemas.For("autoscaling.v1.Scale")).FirstOrDefault() is { } wrong)
            throw ApiException.BadRequest($"Scale in version \"v1\" cannot be handled as a Scale: {wrong.Field}: {wrong.Message}");
        var replicas = scale.Int("spec", "replicas") ?? 0;
        if (replicas < 0)
        {
            throw ApiException.Invalid("autoscaling", "Scale", scale.Name(),
                [new("FieldValueInvalid", $"Invalid value: {replicas}: must be greater than or equal to 0", "spec.replicas")]);
        }
        JsonNode value = replicas;
        foreach (var step in definition.Scale!.SpecPath.Split('.', StringSplitOptions.RemoveEmptyEntries).Reverse())
            value = new JsonObject { [step] = value };
        var patch = (JsonObject)value;
        if (scale.Str("metadata", "resourceVersion") is { Length: > 0 } rv)
            patch["metadata"] = new JsonObject { ["resourceVersion"] = rv };
        if (kind == PatchKind.Apply)
        {
            patch["apiVersion"] = definition.ApiVersion;
            patch["kind"] = definition.Kind;
        }
        return patch;
    }

    private static string Text(JsonObject selector)
    {
        var parts = (selector.Obj("matchLabels") ?? []).Select(l => $"{l.Key}={l.Value.Display()}").ToList();
        foreach (var e in selector.Arr("matchExpressions") ?? [])
        {
            var values = string.Join(",", e.Arr("values")?.Select(v => v.Display()) ?? []);
            parts.Add(e.Str("operator") switch
            {
                "In" => $"{e.Str("key")} in ({values})",
                "NotIn" => $"{e.Str("key")} notin ({values})",
                "DoesNotExist" => "!" + e.Str("key"),
                _ => e.Str("key") ?? "",
            });
        }
        return string.Join(",", parts);
    }
}
