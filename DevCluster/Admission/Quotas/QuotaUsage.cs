using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>What one object uses of the resources that quotas count, by their names in a quota.</summary>
internal static class QuotaUsage
{
    /// <summary>Of kinds that have a name of their own besides <c>count/…</c>.</summary>
    private static readonly HashSet<string> Named = ["pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"];

    private static readonly ConditionalWeakTable<StoredObject, Dictionary<string, Amount>> Known = [];

    public static IReadOnlyDictionary<string, Amount> Of(StoredObject stored) => Known.GetValue(stored, static s => Of(s.Table, s.Parse()));

    /// <param name="table"><c>group/plural</c>.</param>
    /// <param name="obj">The object.</param>
    public static Dictionary<string, Amount> Of(string table, JsonObject obj)
    {
        var slash = table.IndexOf('/', StringComparison.Ordinal);
        var (group, plural) = (table[..slash], table[(slash + 1)..]);
        var usage = new Dictionary<string, Amount> { [group.Length == 0 ? $"count/{plural}" : $"count/{plural}.{group}"] = Amount.One };
        if (group.Length > 0)
            return usage;
        switch (plural)
        {
            case "pods":
                if (obj.Str("status", "phase") is not ("Succeeded" or "Failed"))
                    Pod(obj, usage);
                break;
            case "persistentvolumeclaims":
                usage[plural] = Amount.One;
                Claim(obj, usage);
                break;
            case "services":
                usage[plural] = Amount.One;
                var ports = new Amount((obj.Arr("spec", "ports") ?? []).Count, false);
                if (obj.Str("spec", "type") is "NodePort" or "LoadBalancer")
                    usage["services.nodeports"] = ports;
                if (obj.Str("spec", "type") is "LoadBalancer")
                    usage["services.loadbalancers"] = Amount.One;
                break;
            case var other when Named.Contains(other):
                usage[plural] = Amount.One;
                break;
        }
        return usage;
    }

    private static void Pod(JsonObject pod, Dictionary<string, Amount> usage)
    {
        usage["pods"] = Amount.One;
        foreach (var (name, amount) in PodResources.Sum(pod, "requests"))
        {
            usage["requests." + name] = amount;
            if (name is "cpu" or "memory" or "ephemeral-storage" || name.StartsWith("hugepages-", StringComparison.Ordinal))
                usage[name] = amount;
        }
        foreach (var (name, amount) in PodResources.Sum(pod, "limits"))
            usage["limits." + name] = amount;
    }

    private static void Claim(JsonObject claim, Dictionary<string, Amount> usage)
    {
        var storage = Amount.Parse(claim.At("spec", "resources", "requests", "storage")) ?? default;
        usage["requests.storage"] = storage;
        if (claim.Str("spec", "storageClassName") is not { Length: > 0 } name)
            return;
        usage[name + ".storageclass.storage.k8s.io/requests.storage"] = storage;
        usage[name + ".storageclass.storage.k8s.io/persistentvolumeclaims"] = Amount.One;
    }

    /// <summary>Compute resources that a quota limits and a container leaves open: such a pod can't be counted and is refused.</summary>
    public static IEnumerable<(string Resource, IReadOnlyList<string> Containers)> Missing(JsonObject pod, IEnumerable<string> limited)
    {
        var containers = (pod.Arr("spec", "containers") ?? []).Concat(pod.Arr("spec", "initContainers") ?? []).ToList();
        foreach (var resource in limited.Order(StringComparer.Ordinal))
        {
            var (kind, name) = resource switch
            {
                "cpu" or "memory" => ("requests", resource),
                "requests.cpu" or "requests.memory" => ("requests", resource[9..]),
                "limits.cpu" or "limits.memory" => ("limits", resource[7..]),
                _ => ("", ""),
            };
            if (kind.Length == 0)
                continue;
            var without = containers.Where(c => c.At("resources", kind, name) is null).Select(c => c.Str("name") ?? "").Order(StringComparer.Ordinal).ToList();
            if (without.Count > 0)
                yield return (resource, without);
        }
    }
}
