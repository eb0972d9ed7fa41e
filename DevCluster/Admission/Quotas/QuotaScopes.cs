using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>Which objects a quota with scopes counts; scopes only concern pods (and claims, by their volume attributes class).</summary>
internal static class QuotaScopes
{
    public static bool Counts(JsonObject quota, string table, JsonObject obj)
    {
        var scopes = (quota.Arr("spec", "scopes") ?? []).Select(s => (Name: s.AsString() ?? "", Operator: "Exists", Values: (IReadOnlyList<string>)[]))
            .Concat((quota.Arr("spec", "scopeSelector", "matchExpressions") ?? []).Select(e => (
                Name: e.Str("scopeName") ?? "", Operator: e.Str("operator") ?? "Exists", Values: (IReadOnlyList<string>)[.. e.Arr("values")?.Select(v => v.AsString() ?? "") ?? []])));
        return scopes.All(s => table == "/pods" && Pod(s.Name, s.Operator, s.Values, obj));
    }

    private static bool Pod(string scope, string op, IReadOnlyList<string> values, JsonObject pod) => scope switch
    {
        "Terminating" => pod.Int("spec", "activeDeadlineSeconds") is >= 0,
        "NotTerminating" => pod.Int("spec", "activeDeadlineSeconds") is null,
        "BestEffort" => IsBestEffort(pod),
        "NotBestEffort" => !IsBestEffort(pod),
        "PriorityClass" => Matches(op, values, pod.Str("spec", "priorityClassName") ?? ""),
        "CrossNamespacePodAffinity" => CrossesNamespaces(pod),
        _ => false,
    };

    private static bool IsBestEffort(JsonObject pod) =>
        (pod.Arr("spec", "containers") ?? []).Concat(pod.Arr("spec", "initContainers") ?? [])
        .All(c => new[] { "requests", "limits" }.All(k => (c.Obj("resources", k) ?? []).All(r => r.Key is not ("cpu" or "memory") || Amount.Parse(r.Value) is not { Value: > 0 })));

    private static bool Matches(string op, IReadOnlyList<string> values, string value) => op switch
    {
        "In" => values.Contains(value),
        "NotIn" => !values.Contains(value),
        "DoesNotExist" => value.Length == 0,
        _ => value.Length > 0,
    };

    private static bool CrossesNamespaces(JsonObject pod)
    {
        var terms = new[] { "podAffinity", "podAntiAffinity" }.SelectMany(a =>
            (pod.Arr("spec", "affinity", a, "requiredDuringSchedulingIgnoredDuringExecution") ?? [])
            .Concat((pod.Arr("spec", "affinity", a, "preferredDuringSchedulingIgnoredDuringExecution") ?? []).Select(p => p.At("podAffinityTerm"))));
        return terms.Any(t => t.Arr("namespaces") is { Count: > 0 } || t.Obj("namespaceSelector") is not null);
    }
}
