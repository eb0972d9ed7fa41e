using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Empties namespaces that are to be deleted, and furnishes new ones with what every namespace has.</summary>
internal sealed class NamespaceController(ObjectStore store, ResourceRegistry registry, IKubeApi api, Pki pki, ILogger log) : Controller(store, log)
{
    private const string Table = "/namespaces";
    private const string RootCa = "kube-root-ca.crt";

    protected override bool Interested(StoreEvent e) =>
        e.Object.Table == Table
        || (e.Type == StoreEventType.Deleted && e.Object.Namespace.Length > 0);

    protected override async Task StartAsync(CancellationToken ct)
    {
        foreach (var ns in Store.State.Table(Table).All())
            await ReconcileAsync(ns.Name, ct);
    }

    protected override Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        if (e.Object.Table == Table)
            return e.Type == StoreEventType.Deleted ? Task.CompletedTask : ReconcileAsync(e.Object.Name, ct);
        // A service account or root certificate that went missing comes back; and a namespace may have become empty.
        return Deleting(e.Object.Namespace) || (e.Object.Table is "/serviceaccounts" or "/configmaps" && e.Object.Name is "default" or RootCa)
            ? ReconcileAsync(e.Object.Namespace, ct)
            : Task.CompletedTask;
    }

    private bool Deleting(string ns) => Store.State.Table(Table).Find("", ns)?.Index.Deleting == true;

    private async Task ReconcileAsync(string name, CancellationToken ct)
    {
        if (Store.State.Table(Table).Find("", name) is not { } ns)
            return;
        if (ns.Index.Deleting)
        {
            await EmptyAsync(ns, ct);
            return;
        }
        await EnsureAsync(ResourceKey.ServiceAccounts, name, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } }, ct);
        await EnsureAsync(ResourceKey.ConfigMaps, name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = RootCa },
            ["data"] = new JsonObject { ["ca.crt"] = pki.Authority.Pem },
        }, ct);
    }

    private async Task EnsureAsync(ResourceKey resource, string ns, JsonObject obj, CancellationToken ct)
    {
        if (Store.State.Table($"{resource.Group}/{resource.Plural}").Find(ns, obj.Name()) is not null)
            return;
        try
        {
            await api.CreateAsync(resource, ns, obj, ct);
        }
        catch (ApiException e) when (e.Code is 403 or 404 or 409)
        {
            // Someone was faster, or the namespace is on its way out.
        }
    }

    private async Task EmptyAsync(StoredObject ns, CancellationToken ct)
    {
        var left = 0;
        foreach (var definition in registry.Stored.Where(d => d.Namespaced).ToList())
        {
            foreach (var obj in Store.State.Table(definition.Table).All(ns.Name).ToList())
            {
                left++;
                if (obj.Index.Deleting)
                    continue;
                try
                {
                    await api.DeleteAsync(definition.Key, ns.Name, obj.Name, new JsonObject { ["propagationPolicy"] = "Background" }, ct);
                }
                catch (ApiException e) when (e.Code is 404 or 409)
                {
                    // Gone already.
                }
            }
        }
        // What needs time (pods, finalizers) comes back here as its delete event.
        if (left > 0 && registry.Stored.Where(d => d.Namespaced).Any(d => Store.State.Table(d.Table).All(ns.Name).Any()))
            return;
        try
        {
            await api.UpdateAsync(ResourceKey.Namespaces, null, ns.Name, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = ns.Name },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray() },
            }, "finalize", ct);
        }
        catch (ApiException e) when (e.Code == 404)
        {
            // Finished by an earlier event.
        }
    }
}
