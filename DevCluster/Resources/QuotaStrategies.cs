using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Quotas;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources;

internal sealed class ResourceQuotaStrategy : ResourceStrategy
{
    private static readonly string[] Scopes = ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"];

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var (name, amount) in obj.Obj("spec", "hard") ?? [])
        {
            if (Amount.Parse(amount) is not { } parsed)
                yield return new("FieldValueInvalid", $"Invalid value: \"{amount.Display()}\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", $"spec.hard[{name}]");
            else if (parsed.Value < 0)
                yield return new("FieldValueInvalid", $"Invalid value: \"{amount.Display()}\": must be greater than or equal to 0", $"spec.hard[{name}]");
        }
        foreach (var (scope, i) in (obj.Arr("spec", "scopes") ?? []).Select((s, i) => (s.AsString() ?? "", i)))
        {
            if (!Scopes.Contains(scope))
                yield return new("FieldValueInvalid", $"Invalid value: [\"{scope}\"]: unsupported scope", $"spec.scopes[{i}]");
        }
        if (old is not null && !old.At("spec", "scopes").SameAs(obj.At("spec", "scopes")))
            yield return new("FieldValueInvalid", $"Invalid value: {obj.At("spec", "scopes").Display()}: field is immutable", "spec.scopes");
    }
}

internal sealed class LimitRangeStrategy : ResourceStrategy
{
    /// <summary>For containers, what isn't said follows from what is: the default limit from the maximum, the default request from the default limit, then from the minimum.</summary>
    public override void Default(JsonObject obj)
    {
        foreach (var limit in (obj.Arr("spec", "limits") ?? []).OfType<JsonObject>().Where(l => l.Str("type") == "Container"))
        {
            foreach (var (to, from) in new[] { ("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min") })
            {
                foreach (var (name, amount) in limit.Obj(from) ?? [])
                {
                    if (limit.At(to, name) is null)
                        limit.Child(to)[name] = amount?.DeepClone();
                }
            }
        }
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var (limit, i) in (obj.Arr("spec", "limits") ?? []).Select((l, i) => (l, i)))
        {
            if (string.IsNullOrEmpty(limit.Str("type")))
                yield return new("FieldValueRequired", "Required value", $"spec.limits[{i}].type");
            foreach (var (low, high) in new[] { ("min", "max"), ("min", "defaultRequest"), ("min", "default"), ("defaultRequest", "default"), ("defaultRequest", "max"), ("default", "max") })
            {
                foreach (var (name, node) in limit.Obj(low) ?? [])
                {
                    if (Amount.Parse(node) is { } smaller && Amount.Parse(limit.At(high, name)) is { } larger && smaller.CompareTo(larger) > 0)
                        yield return new("FieldValueInvalid", $"Invalid value: \"{smaller}\": {Word(low)} value {smaller} is greater than {Word(high)} value {larger}", $"spec.limits[{i}].{low}[{name}]");
                }
            }
        }
    }

    private static string Word(string field) => field switch { "defaultRequest" => "default request", _ => field };
}
