using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources;

internal sealed class ApiServiceStrategy : ResourceStrategy
{
    /// <summary>The core group's is <c>v1.</c>, which is no DNS name.</summary>
    public override string? NameProblem(string name) => Machinery.Names.PathSegmentProblem(name);

    /// <summary>A version without a service is served by this very server, and is thus available at once.</summary>
    public override void PrepareForCreate(JsonObject obj, StrategyContext context) => obj["status"] = obj.Obj("spec", "service") is not null
        ? new JsonObject()
        : new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Available",
                ["status"] = "True",
                ["reason"] = "Local",
                ["message"] = "Local APIServices are always available",
                ["lastTransitionTime"] = context.Now.Kube(),
            }),
        };

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var expected = $"{obj.Str("spec", "version")}.{obj.Str("spec", "group")}";
        if (obj.Name() != expected)
            yield return new("FieldValueInvalid", $"Invalid value: \"{obj.Name()}\": must be `spec.version+\".\"+spec.group`: \"{expected}\"", "metadata.name");
        foreach (var (field, max) in new[] { ("groupPriorityMinimum", 20_000L), ("versionPriority", 1000L) })
        {
            if (obj.Int("spec", field) is not { } priority || priority <= 0 || priority > max)
                yield return new("FieldValueInvalid", $"Invalid value: {obj.Int("spec", field) ?? 0}: must be positive and less than {max}", $"spec.{field}");
        }
        if (obj.Bool("spec", "insecureSkipTLSVerify") == true && obj.Str("spec", "caBundle") is { Length: > 0 })
            yield return new("FieldValueInvalid", "Invalid value: true: may not be true if caBundle is present", "spec.insecureSkipTLSVerify");
    }

    public override void Default(JsonObject obj) => obj.Obj("spec", "service")?.Fill("port", 443L);
}
