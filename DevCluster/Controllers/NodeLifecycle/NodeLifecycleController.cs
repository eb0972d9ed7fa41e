using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.NodeLifecycle;

/// <summary>
/// Notices nodes whose heartbeat has stopped, keeps the taints that follow from a node's state, and ends the pods that don't tolerate
/// them: the shell around <see cref="NodeHealth"/>.
/// </summary>
internal sealed class NodeLifecycleController(ObjectStore store, IKubeApi api, TimeSpan grace, TimeProvider time, ILogger log) : KeyedController(store, time, log)
{
    private const string Nodes = "/nodes", Pods = "/pods", Leases = "coordination.k8s.io/leases", LeaseNamespace = "kube-node-lease";

    private readonly EventRecorder _events = new(api, "node-controller", "", time, log);

    // A pod may be there before its node is: Kubernetes' pod GC, too, waits so long before it believes that a node is gone.
    private static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(40);

    private readonly Dictionary<string, DateTimeOffset> _missing = [];

    // Only this controller writes timeAdded; of a taint that somebody else has set, the time counts from when it was first seen.
    private readonly Dictionary<(string Node, string Key, string Value), DateTimeOffset> _tainted = [];

    // A lease that was old when this process began is no sign of a dead node: nobody could renew it meanwhile.
    private readonly DateTimeOffset _began = time.GetUtcNow();

    protected override bool Interested(StoreEvent e) => e.Object.Table is Nodes or Pods || (e.Object.Table == Leases && e.Object.Namespace == LeaseNamespace);

    protected override IEnumerable<string> AllKeys() =>
        Store.State.Table(Nodes).All().Select(node => node.Name)
            .Union(Store.State.All<Pod>(Pods).Select(pod => pod.Spec.NodeName).Where(node => node is { Length: > 0 }));

    protected override IEnumerable<string> KeysOf(StoreEvent e) => e.Object.Table switch
    {
        Pods when e.Type == StoreEventType.Deleted => [],
        Pods => e.Object.As<Pod>().Spec.NodeName is { Length: > 0 } node ? [node] : [],
        _ => [e.Object.Name],
    };

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        var now = Time.GetUtcNow();
        var node = Store.State.Find<Node>(Nodes, "", key);
        if (StillMissing(key, node, now) is { } wait) return wait;
        DateTimeOffset? again = node is null ? null : await WatchAsync(node, now, ct);
        node = Dated(node, key, now);
        foreach (var pod in Store.State.All<Pod>(Pods).Where(pod => pod.Spec.NodeName == key && !pod.IsFinished).ToList())
        {
            if (NodeHealth.IsStranded(pod, node))
            {
                await DeleteAsync(pod, "DeletionByPodGC", node is null ? "PodGC: node no longer exists" : "PodGC: node is out-of-service", force: true, ct);
                continue;
            }
            if (node is null || pod.Metadata.IsDeleted || NodeHealth.EvictionTime(pod, node, now) is not { } at) continue;
            if (at <= now)
            {
                _events.Record(pod, "Normal", "TaintManagerEviction", $"Marking for deletion Pod {pod.Key}");
                await DeleteAsync(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", force: false, ct);
            }
            else if (again is null || at < again)
            {
                again = at;
            }
        }
        return again - now;
    }

    private Node? Dated(Node? node, string name, DateTimeOffset now)
    {
        var undated = node?.Spec.Taints.Where(taint => taint is { Effect: "NoExecute", TimeAdded: null }).Select(taint => (name, taint.Key, taint.Value)).ToList() ?? [];
        foreach (var gone in _tainted.Keys.Where(taint => taint.Node == name).Except(undated).ToList()) _tainted.Remove(gone);
        foreach (var taint in undated) _tainted.TryAdd(taint, now);
        return node is null || undated.Count == 0 ? node : node with
        {
            Spec = node.Spec with { Taints = [.. node.Spec.Taints.Select(taint => _tainted.TryGetValue((name, taint.Key, taint.Value), out var since) ? taint with { TimeAdded = taint.TimeAdded ?? since } : taint)] },
        };
    }

    /// <returns>What is left of the time in which a node that isn't there may yet come; null when nothing is, or it is there.</returns>
    private TimeSpan? StillMissing(string name, Node? node, DateTimeOffset now)
    {
        if (node is not null || !Store.State.All<Pod>(Pods).Any(pod => pod.Spec.NodeName == name))
        {
            _missing.Remove(name);
            return null;
        }
        if (!_missing.TryGetValue(name, out var since)) since = _missing[name] = now;
        return since + Quarantine - now is { Ticks: > 0 } left ? left : null;
    }

    /// <returns>When to look at the heartbeat again.</returns>
    private async Task<DateTimeOffset?> WatchAsync(Node node, DateTimeOffset now, CancellationToken ct)
    {
        var lease = Store.State.Table(Leases).Find(LeaseNamespace, node.Name)?.Field("spec.renewTime");
        DateTimeOffset? renewed = DateTimeOffset.TryParse(lease, null, out var at) ? (at > _began ? at : _began) : null;
        var ready = node.Status.Conditions.Find(condition => condition.Type == "Ready")?.Status;
        if (NodeHealth.IsLost(renewed, now, grace) && ready != "Unknown") await LoseAsync(node, now, ct);
        else await TaintAsync(node, now, ct);
        return renewed + grace + TimeSpan.FromMilliseconds(10) is { } next && next > now ? next : null;
    }

    private async Task LoseAsync(Node node, DateTimeOffset now, CancellationToken ct)
    {
        _events.Record("v1", "Node", node.Metadata, "Normal", "NodeNotReady", $"Node {node.Name} status is now: NodeNotReady");
        var conditions = new JsonArray();
        foreach (var type in new[] { "Ready", "MemoryPressure", "DiskPressure", "PIDPressure" })
        {
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = type,
                ["status"] = "Unknown",
                ["reason"] = "NodeStatusUnknown",
                ["message"] = "Kubelet stopped posting node status.",
                ["lastTransitionTime"] = KubeJson.Time(now),
            });
        }
        await api.PatchAsync(ResourceKey.Nodes, null, node.Name, PatchKind.StrategicMerge,
            new JsonObject { ["metadata"] = new JsonObject { ["uid"] = node.Metadata.Uid }, ["status"] = new JsonObject { ["conditions"] = conditions } }, "status", ct);
        foreach (var pod in Store.State.All<Pod>(Pods).Where(pod => pod.Spec.NodeName == node.Name && pod.IsReady).ToList())
        {
            await PatchPodAsync(pod, new JsonObject { ["type"] = "Ready", ["status"] = "False", ["lastTransitionTime"] = KubeJson.Time(now) }, ct);
            _events.Record(pod, "Warning", "NodeNotReady", "Node is not ready");
        }
    }

    private async Task TaintAsync(Node node, DateTimeOffset now, CancellationToken ct)
    {
        var taints = NodeHealth.Taints(node, now);
        if (taints.SequenceEqual(node.Spec.Taints)) return;
        var rendered = new JsonArray();
        foreach (var taint in taints)
        {
            var one = new JsonObject { ["key"] = taint.Key, ["effect"] = taint.Effect };
            if (taint.Value.Length > 0) one["value"] = taint.Value;
            if (taint.TimeAdded is { } added) one["timeAdded"] = KubeJson.Time(added);
            rendered.Add((JsonNode)one);
        }
        await api.PatchAsync(ResourceKey.Nodes, null, node.Name, PatchKind.MergePatch, new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = node.Metadata.Uid, ["resourceVersion"] = node.Metadata.ResourceVersion },
            ["spec"] = new JsonObject { ["taints"] = rendered },
        }, ct: ct);
    }

    private async Task DeleteAsync(Pod pod, string reason, string message, bool force, CancellationToken ct)
    {
        try
        {
            await PatchPodAsync(pod, new JsonObject { ["type"] = "DisruptionTarget", ["status"] = "True", ["reason"] = reason, ["message"] = message, ["lastTransitionTime"] = KubeJson.Time(Time.GetUtcNow()) }, ct);
            var options = new JsonObject { ["preconditions"] = new JsonObject { ["uid"] = pod.Uid } };
            if (force) options["gracePeriodSeconds"] = 0;
            await api.DeleteAsync(ResourceKey.Pods, pod.Namespace, pod.Name, options, ct);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // Somebody else was quicker.
        }
    }

    private Task PatchPodAsync(Pod pod, JsonObject condition, CancellationToken ct) => api.PatchAsync(ResourceKey.Pods, pod.Namespace, pod.Name, PatchKind.StrategicMerge,
        new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Uid }, ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } }, "status", ct);
}
