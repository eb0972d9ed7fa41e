using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>A ResourceQuota's numbers.</summary>
internal static class QuotaNumbers
{
    public static Dictionary<string, Amount> Hard(JsonObject quota) => Amounts(quota.Obj("spec", "hard"));

    public static Dictionary<string, Amount> Used(JsonObject quota) => Amounts(quota.Obj("status", "used"));

    private static Dictionary<string, Amount> Amounts(JsonObject? list) => (list ?? []).ToDictionary(r => r.Key, r => Amount.Parse(r.Value) ?? default);

    /// <summary>Counts all that is there in the quota's namespace.</summary>
    public static Dictionary<string, Amount> Count(StoreState state, JsonObject quota)
    {
        var used = Hard(quota).Keys.ToDictionary(name => name, _ => default(Amount));
        foreach (var (table, objects) in state.Tables)
        {
            foreach (var obj in objects.All(quota.Namespace()))
            {
                var usage = QuotaUsage.Of(obj);
                if (!usage.Keys.Any(used.ContainsKey) || !QuotaScopes.Counts(quota, table, obj.Parse()))
                    continue;
                foreach (var (name, amount) in usage)
                {
                    if (used.TryGetValue(name, out var before))
                        used[name] = before + amount;
                }
            }
        }
        return used;
    }

    /// <summary>Puts the numbers into the quota's status, as to what is limited.</summary>
    public static void Write(JsonObject quota, Dictionary<string, Amount> used)
    {
        var hard = quota.Obj("spec", "hard") ?? [];
        quota["status"] = new JsonObject
        {
            ["hard"] = hard.DeepClone(),
            ["used"] = new JsonObject(hard.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)used.GetValueOrDefault(h.Key).ToString()))),
        };
    }
}
