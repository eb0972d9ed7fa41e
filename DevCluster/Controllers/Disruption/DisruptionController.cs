using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Disruption;

/// <summary>Keeps the status of disruption budgets: how many pods may be evicted now.</summary>
internal sealed class DisruptionController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log) : KeyedController(store, time, log)
{
    private const string Budgets = "policy/poddisruptionbudgets", Pods = "/pods";

    // Where a controller of pods says how many it wants.
    private static readonly Dictionary<string, string> Scaled = new()
    {
        ["ReplicaSet"] = "apps/replicasets",
        ["StatefulSet"] = "apps/statefulsets",
        ["Deployment"] = "apps/deployments",
        ["ReplicationController"] = "/replicationcontrollers",
    };

    protected override bool Interested(StoreEvent e) => e.Object.Table is Budgets or Pods || Scaled.ContainsValue(e.Object.Table);

    protected override IEnumerable<string> AllKeys() => Store.State.Table(Budgets).All().Select(Key);

    protected override IEnumerable<string> KeysOf(StoreEvent e)
    {
        if (e.Object.Table == Budgets) return e.Type == StoreEventType.Deleted ? [] : [Key(e.Object)];
        return Store.State.Table(Budgets).All(e.Object.Namespace).Where(stored => e.Object.Table != Pods
            || stored.As<PodDisruptionBudget>().Spec.Selector?.Matches(e.Object.Index.Labels) is true).Select(Key);
    }

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (key.Split('/') is not [var ns, var name] || Store.State.Find<PodDisruptionBudget>(Budgets, ns, name) is not { } budget) return null;
        var pods = Store.State.All<Pod>(Pods, ns).Where(budget.Covers).ToList();
        var status = DisruptionMath.StatusOf(budget, pods, ScaleOf(pods), Time.GetUtcNow());
        if (!Same(status, budget.Status))
        {
            await api.PatchAsync(ResourceKey.PodDisruptionBudgets, ns, name, PatchKind.MergePatch, new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = budget.Metadata.Uid, ["resourceVersion"] = budget.Metadata.ResourceVersion },
                ["status"] = Render(status, budget),
            }, "status", ct);
        }
        // A granted eviction that never happens is forgotten by time alone.
        return status.DisruptedPods.Count > 0 ? TimeSpan.FromSeconds(30) : null;
    }

    private static string Key(StoredObject stored) => $"{stored.Namespace}/{stored.Name}";

    private static bool Same(DisruptionStatus a, DisruptionStatus b) =>
        a with { DisruptedPods = b.DisruptedPods } == b && a.DisruptedPods.Count == b.DisruptedPods.Count && a.DisruptedPods.Keys.All(b.DisruptedPods.ContainsKey);

    private JsonObject Render(DisruptionStatus status, PodDisruptionBudget budget)
    {
        var disrupted = new JsonObject();
        foreach (var (name, _) in budget.Status.DisruptedPods.Where(entry => !status.DisruptedPods.ContainsKey(entry.Key))) disrupted[name] = null;
        var allowed = status.DisruptionsAllowed > 0;
        return new JsonObject
        {
            ["observedGeneration"] = status.ObservedGeneration,
            ["currentHealthy"] = status.CurrentHealthy,
            ["desiredHealthy"] = status.DesiredHealthy,
            ["expectedPods"] = status.ExpectedPods,
            ["disruptionsAllowed"] = status.DisruptionsAllowed,
            ["disruptedPods"] = disrupted,
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "DisruptionAllowed",
                ["status"] = allowed ? "True" : "False",
                ["reason"] = allowed ? "SufficientPods" : "InsufficientPods",
                ["message"] = "",
                ["observedGeneration"] = status.ObservedGeneration,
                ["lastTransitionTime"] = KubeJson.Time(Time.GetUtcNow()),
            }),
        };
    }

    private int? ScaleOf(IEnumerable<Pod> pods)
    {
        var total = 0;
        foreach (var owners in pods.GroupBy(pod => pod.Metadata.Controller?.Uid))
        {
            var pod = owners.First();
            if (pod.Metadata.Controller is not { } owner || !Scaled.TryGetValue(owner.Kind, out var table)) return null;
            if (Store.State.Table(table).Find(pod.Namespace, owner.Name) is { } stored && stored.Uid == owner.Uid && int.TryParse(stored.Field("spec.replicas"), out var replicas)) total += replicas;
        }
        return total;
    }
}
