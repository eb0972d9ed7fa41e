using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Api;

/// <summary>Checks of DeleteOptions, before the object is even looked for.</summary>
internal static class DeleteRules
{
    private static readonly string[] Policies = ["Background", "Foreground", "Orphan"];

    /// <exception cref="ApiException">400 for wrong types, 422 for values that aren't allowed.</exception>
    public static void Check(JsonObject options)
    {
        var schema = BuiltinSchemas.For("meta.v1.DeleteOptions");
        SchemaWalk.DropNulls(options, schema);
        if (SchemaValidator.Validate(options, schema).FirstOrDefault() is { } wrong)
            throw ApiException.BadRequest($"DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: {wrong.Field}: {wrong.Message}");
        var causes = new List<StatusCause>();
        var policy = options.Str("propagationPolicy");
        if (policy is not null && !Policies.Contains(policy))
            causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{policy}\": supported values: {string.Join(", ", Policies.Select(p => $"\"{p}\""))}", "propagationPolicy"));
        if (policy is not null && options.Bool("orphanDependents") is not null)
            causes.Add(new("FieldValueInvalid", $"Invalid value: \"{policy}\": orphanDependents and deletionPropagation cannot be both set", "propagationPolicy"));
        if (options.Arr("dryRun") is { Count: > 0 } dryRun && dryRun.Any(d => d.AsString() != "All"))
            causes.Add(new("FieldValueNotSupported", $"Unsupported value: {dryRun.ToUtf8Text()}: supported values: \"All\"", "dryRun"));
        if (causes.Count > 0)
            throw ApiException.Invalid("meta.k8s.io", "DeleteOptions", "", causes);
    }
}
