using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.NodeLifecycle;

/// <summary>What a node's heartbeat and conditions make of it. Pure.</summary>
internal static class NodeHealth
{
    private static readonly string[] Managed = [Taint.NotReady, Taint.Unreachable, Taint.UnschedulableKey];

    public static bool IsLost(DateTimeOffset? renewed, DateTimeOffset now, TimeSpan grace) => renewed is { } at && now - at > grace;

    /// <summary>The taints that the node should have; those that others have set stay.</summary>
    public static IReadOnlyList<Taint> Taints(Node node, DateTimeOffset now)
    {
        var ready = node.Status.Conditions.Find(condition => condition.Type == "Ready")?.Status;
        var wanted = new List<(string Key, string Effect)>();
        if (ready is "False" or "Unknown")
        {
            var key = ready == "False" ? Taint.NotReady : Taint.Unreachable;
            wanted.AddRange([(key, "NoSchedule"), (key, "NoExecute")]);
        }
        if (node.Spec.Unschedulable) wanted.Add((Taint.UnschedulableKey, "NoSchedule"));
        var kept = node.Spec.Taints.Where(taint => !Managed.Contains(taint.Key) || wanted.Contains((taint.Key, taint.Effect))).ToList();
        return [.. kept, .. wanted.Where(want => !kept.Exists(taint => (taint.Key, taint.Effect) == want)).Select(want => new Taint { Key = want.Key, Effect = want.Effect, TimeAdded = now })];
    }

    /// <summary>When the node's NoExecute taints end a pod's stay; null when it tolerates them for ever or there are none.</summary>
    public static DateTimeOffset? EvictionTime(Pod pod, Node node, DateTimeOffset now)
    {
        DateTimeOffset? earliest = null;
        foreach (var taint in node.Spec.Taints.Where(taint => taint.Effect == "NoExecute"))
        {
            var tolerating = pod.Spec.Tolerations.Where(toleration => toleration.Tolerates(taint)).ToList();
            if (tolerating.Count == 0) return now;
            if (tolerating.Min(toleration => toleration.TolerationSeconds) is not { } seconds) continue;
            var at = (taint.TimeAdded ?? now) + TimeSpan.FromSeconds(Math.Max(0, seconds));
            if (earliest is null || at < earliest) earliest = at;
        }
        return earliest;
    }

    /// <summary>A pod whose node can't say any more that it has ended it.</summary>
    public static bool IsStranded(Pod pod, Node? node) =>
        pod.Spec.NodeName.Length > 0 && (node is null
            || (pod.Metadata.IsDeleted && node.Spec.Taints.Exists(taint => taint.Key == Taint.OutOfService)
                && node.Status.Conditions.Find(condition => condition.Type == "Ready")?.Status != "True"));
}
