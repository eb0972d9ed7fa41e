using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Where a pod goes, or why nowhere (kube-scheduler's wording).</summary>
/// <param name="Node">The chosen node.</param>
/// <param name="Message">Why there is none.</param>
/// <param name="Victims">Pods to be ended so that the pod has room on the nominated node later.</param>
/// <param name="Nominated">The node where the victims are.</param>
internal sealed record Placement(string? Node, string? Message, IReadOnlyList<Pod> Victims, string? Nominated = null);

/// <summary>kube-scheduler's decision about one pod, as a pure function.</summary>
internal static class Placer
{
    public static Placement Place(Pod pod, IReadOnlyCollection<Node> nodes, IReadOnlyCollection<Pod> placed) => Place(pod, new ClusterView(nodes, placed));

    public static Placement Place(Pod pod, ClusterView view)
    {
        if (view.Nodes.Count == 0) return new Placement(null, "no nodes available to schedule pods", []);
        if (view.Storage.Problem(pod) is { } problem)
            return new Placement(null, $"{Available(view)}: {problem}. preemption: {Available(view)}: {view.Nodes.Count} Preemption is not helpful for scheduling.", []);
        var refusals = view.Nodes.Select(node => (node, refusal: NodeFilters.Refuse(pod, node, view))).ToList();
        var fitting = refusals.Where(r => r.refusal is null).Select(r => r.node).ToList();
        if (fitting.Count > 0) return new Placement(NodeScores.Best(pod, fitting, view).Name, null, []);

        var why = $"{Available(view)}: {Counted(refusals.SelectMany(r => r.refusal!.Reasons))}.";
        if (pod.Spec.PreemptionPolicy == "Never") return new Placement(null, $"{why} preemption: not eligible due to preemptionPolicy=Never.", []);
        if (pod.Status.NominatedNodeName is { Length: > 0 } nominated
            && view.Placed.Any(other => other.Spec.NodeName == nominated && other.Metadata.IsDeleted && other.Spec.Priority < pod.Spec.Priority))
            return new Placement(null, $"{why} preemption: not eligible due to a terminating pod on the nominated node.", [], nominated);
        var helped = refusals.Where(r => r.refusal!.Resolvable).Select(r => r.node).ToList();
        if (Preemption.Find(pod, helped, view) is { } preemption)
            return new Placement(null, why, preemption.Victims, preemption.Node.Name);
        var unhelped = refusals.Select(r => r.refusal!.Resolvable ? "No preemption victims found for incoming pod" : "Preemption is not helpful for scheduling");
        return new Placement(null, $"{why} preemption: {Available(view)}: {Counted(unhelped)}.", []);
    }

    private static string Available(ClusterView view) => $"0/{view.Nodes.Count} nodes are available";

    private static string Counted(IEnumerable<string> reasons) =>
        string.Join(", ", reasons.GroupBy(reason => reason).Select(group => $"{group.Count()} {group.Key}").Order(StringComparer.Ordinal));
}
