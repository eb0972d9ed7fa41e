using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Empties namespaces that are to be deleted, and furnishes new ones with what every namespace has.</summary>
internal sealed class NamespaceController(ObjectStore store, ResourceRegistry registry, AggregatedContent aggregated, IKubeApi api, Pki pki, TimeProvider time, ILogger log) : Controller(store, log)
{
    private const string Table = "/namespaces";
    private const string RootCa = "kube-root-ca.crt";
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    /// <summary>What aggregated servers have of namespaces that are being deleted, by uid; null while they are asked.</summary>
    private readonly ConcurrentDictionary<string, AggregatedLeft?> _aggregated = new();

    /// <summary>Those that are to be looked at again after a while.</summary>
    private readonly ConcurrentDictionary<string, bool> _waiting = new();

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
        if (e.Object.Table == Table && e.Type == StoreEventType.Deleted)
            _aggregated.TryRemove(e.Object.Uid, out _);
        if (e.Object.Table == Table)
            return e.Type == StoreEventType.Deleted ? Task.CompletedTask : ReconcileAsync(e.Object.Name, ct);
        // A service account or root certificate that went missing comes back; and a namespace may have become empty.
        return Deleting(e.Object.Namespace) || (e.Object.Table is "/serviceaccounts" or "/configmaps" && e.Object.Name is "default" or RootCa)
            ? ReconcileAsync(e.Object.Namespace, ct)
            : Task.CompletedTask;
    }

    /// <summary>Queues the namespace as if it had changed.</summary>
    private void Again(string name)
    {
        if (Store.State.Table(Table).Find("", name) is { } ns)
            Queue(new StoreEvent(StoreEventType.Modified, ns, ns));
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
        var failures = new List<string>();
        foreach (var (key, obj) in Content(ns.Name).Where(c => !c.Object.Index.Deleting))
        {
            try
            {
                await api.DeleteAsync(key, ns.Name, obj.Name, new JsonObject { ["propagationPolicy"] = "Background" }, ct);
            }
            catch (ApiException e) when (e.Code is 404 or 409)
            {
                // Gone already.
            }
            catch (ApiException e)
            {
                failures.Add(e.Message);
            }
        }
        if (Aggregated(ns, ct) is not { } aggregated)
            return;
        List<(ResourceKey, IReadOnlyList<string>)> left = [.. Content(ns.Name).Select(c => (c.Key, (IReadOnlyList<string>)c.Object.Index.Finalizers)), .. aggregated.Left];
        await ReportAsync(ns.Name, left, aggregated.Undiscovered, [.. failures, .. aggregated.Failures], ct);
        // What needs time (pods, finalizers) comes back here as its delete event.
        if (left.Count == 0 && aggregated.IsNothing)
            await FinishAsync(ns.Name, ct);
        else if (failures.Count > 0 || !aggregated.IsNothing)
            Later(ns, ct);
    }

    /// <summary>Null while it is found out; the namespace comes back here then, and others aren't held up by a server that hangs.</summary>
    private AggregatedLeft? Aggregated(StoredObject ns, CancellationToken ct)
    {
        if (!aggregated.Any)
            return AggregatedLeft.Nothing;
        if (_aggregated.TryAdd(ns.Uid, null))
        {
            _ = Task.Run(() => Guarded(async () =>
            {
                _aggregated[ns.Uid] = await aggregated.EmptyAsync(ns.Name, ct);
                Again(ns.Name);
            }, ns.Name), ct);
        }
        return _aggregated.GetValueOrDefault(ns.Uid);
    }

    private List<(ResourceKey Key, StoredObject Object)> Content(string ns) =>
        [.. registry.Stored.Where(d => d.Namespaced).SelectMany(d => Store.State.Table(d.Table).All(ns).Select(o => (d.Key, o)))];

    private Task ReportAsync(string name, List<(ResourceKey, IReadOnlyList<string>)> left, IReadOnlyList<string> undiscovered, List<string> failures, CancellationToken ct) => IfThere(async () =>
    {
        var ns = await api.GetAsync(ResourceKey.Namespaces, null, name, ct);
        var old = ns.Arr("status", "conditions");
        var conditions = NamespaceConditions.Of(left, undiscovered, failures, old, time.GetUtcNow());
        if (!conditions.SameAs(old))
            await api.PatchAsync(ResourceKey.Namespaces, null, name, PatchKind.MergePatch, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions } }, "status", ct);
    });

    private Task FinishAsync(string name, CancellationToken ct) => IfThere(async () =>
    {
        var ns = await api.GetAsync(ResourceKey.Namespaces, null, name, ct);
        var others = (ns.Arr("spec", "finalizers") ?? []).Where(f => f.AsString() != "kubernetes").Select(f => f?.DeepClone()).ToArray();
        await api.UpdateAsync(ResourceKey.Namespaces, null, name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject { ["finalizers"] = new JsonArray(others) },
        }, "finalize", ct);
    });

    /// <summary>What refused to be deleted (a webhook, say) is tried again, without holding up other namespaces.</summary>
    private void Later(StoredObject ns, CancellationToken ct) => _ = _waiting.TryAdd(ns.Uid, true) ? Task.Run(async () =>
    {
        try
        {
            await Task.Delay(Retry, time, ct);
            _waiting.TryRemove(ns.Uid, out _);
            if (_aggregated.TryGetValue(ns.Uid, out var known) && known is not null)
                _aggregated.TryRemove(ns.Uid, out _);
            Again(ns.Name);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }, ct) : Task.CompletedTask;

    private static async Task IfThere(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Finished or changed by an earlier event.
        }
    }
}
