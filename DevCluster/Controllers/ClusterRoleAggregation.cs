using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Security.Rbac;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Fills ClusterRoles that have an aggregationRule with the rules of the roles it selects.</summary>
internal sealed class ClusterRoleAggregation(ObjectStore store, IKubeApi api, ILogger log) : Controller(store, log)
{
    private const string Table = RbacPolicy.Group + "/clusterroles";
    private static readonly ResourceKey Key = new(RbacPolicy.Group, "v1", "clusterroles");

    protected override bool Interested(StoreEvent e) => e.Object.Table == Table;

    protected override Task StartAsync(CancellationToken ct) => ReconcileAsync(ct);

    protected override Task HandleAsync(StoreEvent e, CancellationToken ct) => ReconcileAsync(ct);

    private async Task ReconcileAsync(CancellationToken ct)
    {
        foreach (var stored in Store.State.Table(Table).All().ToList())
        {
            var role = stored.Parse();
            if (role.Arr("aggregationRule", "clusterRoleSelectors") is not { } selectors || stored.Index.Deleting)
                continue;
            var rules = Rules(stored.Name, [.. selectors.Select(s => SelectorJson.Parse(s as JsonObject))]);
            if (rules.SameAs(role["rules"] ?? new JsonArray()))
                continue;
            try
            {
                await api.PatchAsync(Key, null, stored.Name, PatchKind.MergePatch, new JsonObject { ["rules"] = rules }, ct: ct);
            }
            catch (ApiException e) when (e.Code is 404 or 409)
            {
                // Gone or changed meanwhile; the change comes here as an event.
            }
        }
    }

    private JsonArray Rules(string name, List<LabelSelector> selectors)
    {
        var rules = new JsonArray();
        foreach (var part in Store.State.Table(Table).All().Where(r => r.Name != name && selectors.Any(s => s.Matches(r.Index.Labels))))
        {
            foreach (var rule in part.Parse().Arr("rules") ?? [])
            {
                if (!rules.Any(r => r.SameAs(rule)))
                    rules.Add(rule?.DeepClone());
            }
        }
        return rules;
    }
}
