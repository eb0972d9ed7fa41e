using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>What a pod asks for as a whole: containers and side-cars at once, or the init container that needs most beside the side-cars before it.</summary>
internal static class PodResources
{
    /// <param name="pod">The pod.</param>
    /// <param name="kind"><c>requests</c> or <c>limits</c>.</param>
    public static Dictionary<string, Amount> Sum(JsonObject pod, string kind)
    {
        var total = new Dictionary<string, Amount>();
        var sidecars = new Dictionary<string, Amount>();
        var peak = new Dictionary<string, Amount>();
        foreach (var container in pod.Arr("spec", "containers") ?? [])
            Add(total, Of(container, kind));
        foreach (var container in pod.Arr("spec", "initContainers") ?? [])
        {
            var needs = Of(container, kind);
            if (container.Str("restartPolicy") == "Always")
            {
                Add(total, needs);
                Add(sidecars, needs);
                continue;
            }
            foreach (var (name, amount) in needs)
            {
                var together = amount + sidecars.GetValueOrDefault(name);
                if (together.CompareTo(peak.GetValueOrDefault(name)) > 0)
                    peak[name] = together;
            }
        }
        foreach (var (name, amount) in peak)
        {
            if (amount.CompareTo(total.GetValueOrDefault(name)) > 0)
                total[name] = amount;
        }
        foreach (var (name, amount) in pod.Obj("spec", "overhead") ?? [])
            Add(total, [KeyValuePair.Create(name, Amount.Parse(amount) ?? default)]);
        return total;
    }

    public static Dictionary<string, Amount> Of(JsonNode? container, string kind) =>
        (container.Obj("resources", kind) ?? []).ToDictionary(r => r.Key, r => Amount.Parse(r.Value) ?? default);

    private static void Add(Dictionary<string, Amount> total, IEnumerable<KeyValuePair<string, Amount>> more)
    {
        foreach (var (name, amount) in more)
            total[name] = total.GetValueOrDefault(name) + amount;
    }
}
