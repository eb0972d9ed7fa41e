using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>What the controllers of pod-making kinds share: their keys, their pods, their status.</summary>
internal abstract class WorkloadController : KeyedController
{
    protected const string PodTable = "/pods";

    private readonly IKubeApi _api;
    private readonly ResourceKey _kind;
    private readonly string _kindName;

    protected WorkloadController(ObjectStore store, IKubeApi api, ResourceKey kind, string kindName, string component, TimeProvider time, ILogger log)
        : base(store, time, log)
    {
        (_api, _kind, _kindName) = (api, kind, kindName);
        Events = new EventRecorder(api, component, "", time, log);
        Pods = new OwnedPods(store, api, Events);
    }

    protected string Table => $"{_kind.Group}/{_kind.Plural}";

    protected EventRecorder Events { get; }

    protected OwnedPods Pods { get; }

    protected IKubeApi Api => _api;

    protected override bool Interested(StoreEvent e) => e.Object.Table == PodTable || e.Object.Table == Table;

    protected override IEnumerable<string> AllKeys() => Store.State.Table(Table).All().Select(Key);

    protected override IEnumerable<string> KeysOf(StoreEvent e)
    {
        if (e.Object.Table == Table) return [Key(e.Object)];
        var owners = e.Object.Index.Owners;
        // An orphan may be somebody's to adopt.
        return owners.Count == 0 && e.Type != StoreEventType.Deleted && e.Object.Table == PodTable
            ? Store.State.Table(Table).All(e.Object.Namespace).Where(stored => stored.As<Workload>().Spec.Selector is { } s && (s.MatchLabels.Count > 0 || s.MatchExpressions.Count > 0) && s.Matches(e.Object.Index.Labels)).Select(Key)
            : owners.Where(owner => owner.Kind == _kindName).Select(owner => $"{e.Object.Namespace}/{owner.Name}");
    }

    protected static string Key(StoredObject stored) => $"{stored.Namespace}/{stored.Name}";

    protected StoredObject? Find(string key) => key.Split('/') is [var ns, var name] ? Store.State.Table(Table).Find(ns, name) : null;

    protected Owner OwnerOf(ObjectMeta metadata) => new(_kind.ApiVersion, _kindName, metadata);

    protected void Tell(ObjectMeta about, string type, string reason, string message) => Events.Record(_kind.ApiVersion, _kindName, about, type, reason, message);

    /// <summary>Writes the given fields when one of them has changed; null removes one.</summary>
    protected async Task WriteStatusAsync(StoredObject stored, JsonObject status, CancellationToken ct)
    {
        var old = stored.Parse().Obj("status") ?? [];
        if (status.All(field => (old[field.Key] ?? JsonValue.Create(0)).SameAs(field.Value.Normalized() ?? JsonValue.Create(0)))) return;
        await _api.PatchAsync(_kind, stored.Namespace, stored.Name, PatchKind.MergePatch, new JsonObject { ["metadata"] = new JsonObject { ["uid"] = stored.Uid }, ["status"] = status }, "status", ct);
    }
}
