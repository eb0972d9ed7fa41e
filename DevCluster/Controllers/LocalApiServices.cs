using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Keeps an APIService for each group version that this server serves itself, custom ones included.</summary>
internal sealed class LocalApiServices(ObjectStore store, ResourceRegistry registry, IKubeApi api, ILogger log) : Controller(store, log)
{
    private const string Managed = "kube-aggregator.kubernetes.io/automanaged";

    /// <summary>Kubernetes' order of the groups; all its versions have the same priority but for autoscaling.</summary>
    private static readonly Dictionary<string, int> Priorities = new()
    {
        [""] = 18000,
        ["apps"] = 17800,
        ["events.k8s.io"] = 17750,
        ["authentication.k8s.io"] = 17700,
        ["authorization.k8s.io"] = 17600,
        ["autoscaling"] = 17500,
        ["batch"] = 17400,
        ["certificates.k8s.io"] = 17300,
        ["networking.k8s.io"] = 17200,
        ["policy"] = 17100,
        ["rbac.authorization.k8s.io"] = 17000,
        ["storage.k8s.io"] = 16800,
        ["apiextensions.k8s.io"] = 16700,
        ["admissionregistration.k8s.io"] = 16700,
        ["scheduling.k8s.io"] = 16600,
        ["coordination.k8s.io"] = 16500,
        ["node.k8s.io"] = 16300,
        ["discovery.k8s.io"] = 16200,
    };

    protected override bool Interested(StoreEvent e) => e.Object.Table == CustomResources.Table;

    protected override Task StartAsync(CancellationToken ct) => ReconcileAsync(ct);

    protected override Task HandleAsync(StoreEvent e, CancellationToken ct) => ReconcileAsync(ct);

    private async Task ReconcileAsync(CancellationToken ct)
    {
        var there = Store.State.Table(ApiAggregator.Table);
        var wanted = registry.All.Where(d => d.Key.Group != "apiregistration.k8s.io").GroupBy(d => (d.Key.Group, d.Key.Version))
            .ToDictionary(g => $"{g.Key.Version}.{g.Key.Group}", g => (g.Key.Group, g.Key.Version, Custom: g.All(d => d.IsCustom)));
        var missing = wanted.Where(w => there.Find("", w.Key) is null)
            .Select(w => IfPossible(() => api.CreateAsync(ResourceKey.ApiServices, null, New(w.Key, w.Value.Group, w.Value.Version, w.Value.Custom), ct)));
        var stale = there.All().Where(s => s.Index.Labels.GetValueOrDefault(Managed) == "true" && !wanted.ContainsKey(s.Name))
            .Select(s => IfPossible(() => api.DeleteAsync(ResourceKey.ApiServices, null, s.Name, null, ct)));
        await Task.WhenAll(missing.Concat(stale));
    }

    private static JsonObject New(string name, string group, string version, bool custom) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { [Managed] = custom ? "true" : "onstart" } },
        ["spec"] = new JsonObject
        {
            ["group"] = group,
            ["version"] = version,
            ["groupPriorityMinimum"] = custom ? 1000L : Priorities.GetValueOrDefault(group, 16000),
            ["versionPriority"] = custom ? 100L : group.Length == 0 ? 1L : (group, version) == ("autoscaling", "v2") ? 30L : 15L,
        },
    };

    private static async Task IfPossible(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Someone was faster.
        }
    }
}
