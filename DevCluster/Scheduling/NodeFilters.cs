using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Why a node is not for a pod, in kube-scheduler's words.</summary>
/// <param name="Reasons">What the first filter that refuses says.</param>
/// <param name="Resolvable">Whether it may help that other pods go.</param>
internal sealed record Refusal(IReadOnlyList<string> Reasons, bool Resolvable);

/// <summary>kube-scheduler's filters in its order; the first that refuses a node decides. Pure.</summary>
internal static class NodeFilters
{
    private static readonly Func<Pod, Node, ClusterView, Refusal?>[] InOrder =
    [
        Unschedulable, Taints, NodeAffinity, HostPorts, Resources, VolumeRestrictions, VolumeBinding, TopologySpread.Refuse, PodAffinityRules.Refuse,
    ];

    public static Refusal? Refuse(Pod pod, Node node, ClusterView view) => InOrder.Select(filter => filter(pod, node, view)).FirstOrDefault(refusal => refusal is not null);

    public static Refusal ForGood(string reason) => new([reason], Resolvable: false);

    public static Refusal ForNow(params string[] reasons) => new(reasons, Resolvable: true);

    /// <summary>The node selector and the required node affinity.</summary>
    public static bool Wants(Pod pod, Node node) =>
        pod.Spec.NodeSelector.All(wanted => node.Metadata.Labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value)
        && pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution?.Matches(node) is not false;

    private static Refusal? Unschedulable(Pod pod, Node node, ClusterView view) =>
        node.Spec.Unschedulable && !pod.Spec.Tolerations.Exists(t => t.Tolerates(new Taint { Key = Taint.UnschedulableKey, Effect = "NoSchedule" }))
            ? ForGood("node(s) were unschedulable") : null;

    private static Refusal? Taints(Pod pod, Node node, ClusterView view) =>
        node.Spec.Taints.Find(taint => taint.Effect is "NoSchedule" or "NoExecute" && !pod.Spec.Tolerations.Exists(t => t.Tolerates(taint))) is { } hard
            ? ForGood($"node(s) had untolerated taint {{{hard.Key}: {hard.Value}}}") : null;

    private static Refusal? NodeAffinity(Pod pod, Node node, ClusterView view) => Wants(pod, node) ? null : ForGood("node(s) didn't match Pod's node affinity/selector");

    private static Refusal? HostPorts(Pod pod, Node node, ClusterView view)
    {
        var ports = PodRequests.HostPorts(pod).ToHashSet();
        return ports.Count > 0 && view.On(node).SelectMany(PodRequests.HostPorts).Any(ports.Contains)
            ? ForNow("node(s) didn't have free ports for the requested pod ports") : null;
    }

    private static Refusal? Resources(Pod pod, Node node, ClusterView view)
    {
        var allocatable = node.Status.Allocatable;
        var (reasons, resolvable) = (new List<string>(), true);
        if (allocatable.TryGetValue("pods", out var slots) && view.On(node).Count() + 1 > slots.Units) reasons.Add("Too many pods");
        foreach (var (name, wanted) in PodRequests.Of(pod).Where(request => request.Value > Quantity.Zero))
        {
            var all = allocatable.GetValueOrDefault(name);
            if (PodRequests.Of(view.On(node), name) + wanted <= all) continue;
            reasons.Add($"Insufficient {name}");
            // More than the whole node has: no pod that goes makes room for it.
            resolvable &= wanted <= all;
        }
        return reasons.Count == 0 ? null : new Refusal(reasons, resolvable);
    }

    private static Refusal? VolumeRestrictions(Pod pod, Node node, ClusterView view) =>
        view.Storage.HasConflict(pod, view.Placed) ? ForNow("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode") : null;

    private static Refusal? VolumeBinding(Pod pod, Node node, ClusterView view) => view.Storage.Problem(pod, node) is { } problem ? ForGood(problem) : null;
}
