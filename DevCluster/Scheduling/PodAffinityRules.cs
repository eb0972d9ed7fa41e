using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Affinity and anti-affinity between pods: the required terms as a filter, the preferred ones as a score. Pure.</summary>
internal static class PodAffinityRules
{
    public static Refusal? Refuse(Pod pod, Node node, ClusterView view)
    {
        var tally = view.Affinity(pod);
        if (!pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution.TrueForAll(term => tally.Near(term, node) > 0 || IsFirst(pod, term, node, view)))
            return NodeFilters.ForGood("node(s) didn't match pod affinity rules");
        if (pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution.Exists(term => tally.Near(term, node) > 0))
            return NodeFilters.ForNow("node(s) didn't match pod anti-affinity rules");
        return tally.IsForbidden(node) ? NodeFilters.ForNow("node(s) didn't satisfy existing pods anti-affinity rules") : null;
    }

    /// <summary>Weights for and against, also those of the pods that are there already.</summary>
    public static long Score(Pod pod, Node node, ClusterView view)
    {
        var (own, tally) = (pod.Spec.Affinity, view.Affinity(pod));
        return own.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Sum(term => term.Weight * tally.Near(term.PodAffinityTerm, node))
            - own.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Sum(term => term.Weight * tally.Near(term.PodAffinityTerm, node))
            + tally.Liked(node);
    }

    /// <summary>The first pod of a group that wants to be together has nobody to go to.</summary>
    private static bool IsFirst(Pod pod, PodAffinityTerm term, Node node, ClusterView view) =>
        node.Metadata.Labels.ContainsKey(term.TopologyKey) && view.Selects(pod, term, pod) && !view.Placed.Any(other => view.Selects(pod, term, other));
}
