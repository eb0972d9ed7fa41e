using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Deletes the objects of a CRD that is to go, then lets it go.</summary>
internal sealed class CrdController(ObjectStore store, ResourceRegistry registry, IKubeApi api, ILogger log) : Controller(store, log)
{
    protected override bool Interested(StoreEvent e) =>
        e.Object.Table == CustomResources.Table || (e.Type == StoreEventType.Deleted && e.Object.Table.Contains('.', StringComparison.Ordinal));

    protected override async Task StartAsync(CancellationToken ct)
    {
        foreach (var crd in Store.State.Table(CustomResources.Table).All())
            await ReconcileAsync(crd.Name, ct);
    }

    protected override Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        if (e.Object.Table == CustomResources.Table)
            return e.Type == StoreEventType.Deleted ? RetryNamesAsync(e.Object, ct) : ReconcileAsync(e.Object.Name, ct);
        var parts = e.Object.Table.Split('/');
        return ReconcileAsync($"{parts[1]}.{parts[0]}", ct);
    }

    /// <summary>The names of a CRD that is gone are free for others of its group; any write makes them look again.</summary>
    private async Task RetryNamesAsync(StoredObject gone, CancellationToken ct)
    {
        var group = gone.Field("spec.group");
        foreach (var crd in Store.State.Table(CustomResources.Table).All().ToList())
        {
            var waits = crd.Field("spec.group") == group
                && (crd.Parse().Arr("status", "conditions") ?? []).Any(c => c.Str("type") == "NamesAccepted" && c.Str("status") == "False");
            if (waits)
                await IfThere(() => api.PatchAsync(ResourceKey.CustomResourceDefinitions, null, crd.Name, PatchKind.MergePatch, new JsonObject(), ct: ct));
        }
    }

    private static async Task IfThere(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Gone or changed meanwhile, which is another event.
        }
    }

    private async Task ReconcileAsync(string name, CancellationToken ct)
    {
        if (Store.State.Table(CustomResources.Table).Find("", name) is not { Index: { Deleting: true } index } || !index.Finalizers.Contains(CrdStrategy.CleanupFinalizer))
            return;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var table = $"{name[(dot + 1)..]}/{name[..dot]}";
        if (registry.ForTable(table) is { } definition)
        {
            foreach (var obj in Store.State.Table(table).All().Where(o => !o.Index.Deleting).ToList())
            {
                try
                {
                    await api.DeleteAsync(definition.Key, obj.Namespace.Length > 0 ? obj.Namespace : null, obj.Name, null, ct);
                }
                catch (ApiException e) when (e.Code is 404 or 409)
                {
                    // Gone already.
                }
            }
            if (Store.State.Table(table).Count > 0)
                return;
        }
        try
        {
            var crd = await api.GetAsync(ResourceKey.CustomResourceDefinitions, null, name, ct);
            var left = (crd.Arr("metadata", "finalizers") ?? []).Where(f => f.AsString() != CrdStrategy.CleanupFinalizer).Select(f => f?.DeepClone()).ToArray();
            await api.PatchAsync(ResourceKey.CustomResourceDefinitions, null, name, PatchKind.MergePatch,
                new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = left.Length > 0 ? new JsonArray(left) : null } }, ct: ct);
        }
        catch (ApiException e) when (e.Code == 404)
        {
            // Finished by an earlier event.
        }
    }
}
