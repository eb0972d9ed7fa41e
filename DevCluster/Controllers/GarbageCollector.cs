using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>
/// Deletes dependents whose owners are all gone, and carries out the two finalizers that a delete with propagation policy sets:
/// foregroundDeletion (dependents first) and orphan (dependents let go).
/// </summary>
internal sealed class GarbageCollector(ObjectStore store, ResourceRegistry registry, IKubeApi api, ILogger log) : Controller(store, log)
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";

    private readonly Dictionary<string, StoredObject> _byUid = [];
    private readonly Dictionary<string, HashSet<string>> _dependents = [];

    protected override bool Interested(StoreEvent e) => e.Object.Table != "/events";

    protected override async Task StartAsync(CancellationToken ct)
    {
        var objects = Store.State.Tables.Where(t => t.Key != "/events").SelectMany(t => t.Value.All()).ToList();
        foreach (var obj in objects)
            Learn(obj);
        foreach (var obj in objects)
        {
            if (obj.Index.Owners.Count > 0)
                await CollectAsync(obj.Uid, ct);
            await FinalizeAsync(obj.Uid, ct);
        }
    }

    protected override async Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        var uid = e.Object.Uid;
        if (e.Type == StoreEventType.Deleted)
        {
            Forget(e.Object);
            foreach (var dependent in _dependents.GetValueOrDefault(uid)?.ToList() ?? [])
                await CollectAsync(dependent, ct);
            foreach (var owner in e.Object.Index.Owners)
                await FinalizeAsync(owner.Uid, ct);
            return;
        }
        if (e.Previous is { } previous)
            Forget(previous);
        Learn(e.Object);
        if (e.Object.Index.Owners.Count > 0 && (e.Previous is null || !e.Previous.Index.Owners.SequenceEqual(e.Object.Index.Owners)))
            await CollectAsync(uid, ct);
        await FinalizeAsync(uid, ct);
        foreach (var owner in e.Object.Index.Owners)
            await FinalizeAsync(owner.Uid, ct);
    }

    private void Learn(StoredObject obj)
    {
        _byUid[obj.Uid] = obj;
        foreach (var owner in obj.Index.Owners)
        {
            if (!_dependents.TryGetValue(owner.Uid, out var set))
                _dependents[owner.Uid] = set = [];
            set.Add(obj.Uid);
        }
    }

    private void Forget(StoredObject obj)
    {
        _byUid.Remove(obj.Uid);
        foreach (var owner in obj.Index.Owners)
        {
            if (_dependents.TryGetValue(owner.Uid, out var set) && set.Remove(obj.Uid) && set.Count == 0)
                _dependents.Remove(owner.Uid);
        }
    }

    /// <summary>
    /// Deletes a dependent if none of its owners is left (or all that are left wait for it in foreground deletion); while one is,
    /// the references to the others are taken off.
    /// </summary>
    private async Task CollectAsync(string uid, CancellationToken ct)
    {
        if (!_byUid.TryGetValue(uid, out var obj) || obj.Index.Deleting || obj.Index.Owners.Count == 0)
            return;
        var (solid, waiting, dangling) = (false, false, new HashSet<string>());
        foreach (var owner in obj.Index.Owners)
        {
            if (_byUid.TryGetValue(owner.Uid, out var alive) && OwnerMatches(owner, alive, obj))
            {
                var waits = alive.Index.Deleting && alive.Index.Finalizers.Contains(Foreground);
                solid |= !waits;
                waiting |= waits;
                if (waits)
                    dangling.Add(owner.Uid);
            }
            else if (IsUnresolvable(owner, obj))
            {
                // Owned by something this server doesn't keep, or that can't be named from where it is: nobody can tell that it is gone.
                return;
            }
            else
                dangling.Add(owner.Uid);
        }
        if (!solid)
        {
            var policy = waiting && Dependents(uid).Any() ? "Foreground"
                : obj.Index.Finalizers.Contains(Orphan) ? "Orphan"
                : obj.Index.Finalizers.Contains(Foreground) ? "Foreground"
                : "Background";
            await DeleteAsync(obj, policy, ct);
        }
        else if (dangling.Count > 0)
            await ChangeAsync(obj, "ownerReferences", o => dangling.Contains(o.Str("uid") ?? ""), ct);
    }

    private async Task FinalizeAsync(string uid, CancellationToken ct)
    {
        if (!_byUid.TryGetValue(uid, out var owner) || !owner.Index.Deleting)
            return;
        if (owner.Index.Finalizers.Contains(Orphan))
        {
            foreach (var dependent in Dependents(uid).ToList())
                await LetGoAsync(dependent, uid, ct);
            await RemoveFinalizerAsync(owner, Orphan, ct);
        }
        else if (owner.Index.Finalizers.Contains(Foreground))
        {
            foreach (var dependent in Dependents(uid).ToList())
                await CollectAsync(dependent.Uid, ct);
            if (!Dependents(uid).Any(d => d.Index.Owners.Any(o => o.Uid == uid && o.BlockOwnerDeletion)))
                await RemoveFinalizerAsync(owner, Foreground, ct);
        }
    }

    private IEnumerable<StoredObject> Dependents(string uid) =>
        (_dependents.GetValueOrDefault(uid) ?? []).Select(d => _byUid.GetValueOrDefault(d)).OfType<StoredObject>();

    /// <summary>A reference to an object of another namespace doesn't count.</summary>
    private static bool OwnerMatches(OwnerReference owner, StoredObject alive, StoredObject dependent) =>
        alive.Name == owner.Name && (alive.Namespace.Length == 0 || alive.Namespace == dependent.Namespace);

    /// <summary>A kind that isn't served, or a namespaced owner of an object without a namespace.</summary>
    private bool IsUnresolvable(OwnerReference owner, StoredObject dependent)
    {
        var slash = owner.ApiVersion.IndexOf('/', StringComparison.Ordinal);
        var group = slash < 0 ? "" : owner.ApiVersion[..slash];
        var kind = registry.All.FirstOrDefault(d => d.Kind == owner.Kind && d.Key.Group == group);
        return kind is null || (kind.Namespaced && dependent.Namespace.Length == 0);
    }

    private Task DeleteAsync(StoredObject obj, string policy, CancellationToken ct) => IfThere(() => api.DeleteAsync(Key(obj), Namespace(obj), obj.Name, new JsonObject
    {
        ["propagationPolicy"] = policy,
        ["preconditions"] = new JsonObject { ["uid"] = obj.Uid },
    }, ct));

    private Task LetGoAsync(StoredObject obj, string owner, CancellationToken ct) => ChangeAsync(obj, "ownerReferences", o => o.Str("uid") == owner, ct);

    private Task RemoveFinalizerAsync(StoredObject obj, string finalizer, CancellationToken ct) => ChangeAsync(obj, "finalizers", f => f.AsString() == finalizer, ct);

    private Task ChangeAsync(StoredObject obj, string list, Func<JsonNode?, bool> remove, CancellationToken ct) => IfThere(async () =>
    {
        while (Store.State.Table(obj.Table).Find(obj.Namespace, obj.Name) is { } current && current.Uid == obj.Uid)
        {
            var entries = current.Parse().Arr("metadata", list) ?? [];
            var left = entries.Where(e => !remove(e)).Select(e => e?.DeepClone()).ToArray();
            if (left.Length == entries.Count)
                return;
            try
            {
                await api.PatchAsync(Key(obj), Namespace(obj), obj.Name, PatchKind.MergePatch, new JsonObject
                {
                    ["metadata"] = new JsonObject
                    {
                        ["uid"] = obj.Uid,
                        ["resourceVersion"] = current.ResourceVersion.ToString(System.Globalization.CultureInfo.InvariantCulture),
                        [list] = left.Length > 0 ? new JsonArray(left) : null,
                    },
                }, ct: ct);
                return;
            }
            catch (ApiException e) when (e.Reason == "Conflict")
            {
                // Changed meanwhile: look again.
            }
        }
    });

    private ResourceKey Key(StoredObject obj) => registry.ForTable(obj.Table)?.Key ?? throw ApiException.UnknownPath();

    private static string? Namespace(StoredObject obj) => obj.Namespace.Length > 0 ? obj.Namespace : null;

    private static async Task IfThere(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Gone, or another object of that name by now.
        }
    }
}
