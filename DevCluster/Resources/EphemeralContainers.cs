using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Resources;

/// <summary>The rules of a pod's ephemeral containers (<c>kubectl debug</c>): they come later, and never change or go. Pure.</summary>
internal static class EphemeralContainers
{
    private const string Path = "spec.ephemeralContainers";

    public static IEnumerable<StatusCause> Validate(JsonObject pod, JsonObject? old)
    {
        var all = (pod.Arr("spec", "ephemeralContainers") ?? []).OfType<JsonObject>().ToList();
        if (old is null)
        {
            if (all.Count > 0)
                yield return new("FieldValueForbidden", "Forbidden: cannot be set on create", Path);
            yield break;
        }
        foreach (var before in (old.Arr("spec", "ephemeralContainers") ?? []).OfType<JsonObject>())
        {
            var name = before.Str("name") ?? "";
            if (all.Find(c => c.Str("name") == name) is not { } now)
                yield return new("FieldValueForbidden", $"Forbidden: existing ephemeral containers \"{name}\" may not be removed\n", Path);
            else if (!now.SameAs(before))
                yield return new("FieldValueForbidden", $"Forbidden: existing ephemeral containers \"{name}\" may not be changed\n", Path);
        }
        var others = new[] { "containers", "initContainers" }.SelectMany(list => pod.Arr("spec", list) ?? []).Select(c => c.Str("name") ?? "").ToHashSet();
        var taken = new HashSet<string>(others);
        for (var i = 0; i < all.Count; i++)
        {
            var (name, at) = (all[i].Str("name") ?? "", $"{Path}[{i}]");
            if (name.Length == 0)
                yield return new("FieldValueRequired", "Required value", at + ".name");
            else if (Names.DnsLabelProblem(name) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at + ".name");
            else if (!taken.Add(name))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at + ".name");
            if (string.IsNullOrEmpty(all[i].Str("image")))
                yield return new("FieldValueRequired", "Required value", at + ".image");
            if (all[i].Str("targetContainerName") is { Length: > 0 } target && !others.Contains(target))
                yield return new("FieldValueNotFound", $"Not found: \"{target}\"", at + ".targetContainerName");
            foreach (var field in new[] { "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle" }.Where(f => all[i][f] is not null))
                yield return new("FieldValueForbidden", "Forbidden: cannot be set for an Ephemeral Container", $"{at}.{field}");
        }
    }
}
