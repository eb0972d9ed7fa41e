using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Affinity and anti-affinity between pods: the required terms as a filter, the preferred ones as a score. Pure.</summary>
internal static class PodAffinityRules
{
    public static Refusal? Refuse(Pod pod, Node node, ClusterView view)
    {
        if (!pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution.TrueForAll(term => Near(pod, term, node, view) || IsFirst(pod, term, node, view)))
            return NodeFilters.ForGood("node(s) didn't match pod affinity rules");
        if (pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution.Exists(term => Near(pod, term, node, view)))
            return NodeFilters.ForNow("node(s) didn't match pod anti-affinity rules");
        return view.Placed.Any(other => other.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution.Exists(term =>
            view.Selects(other, term, pod) && view.Domain(node, term.TopologyKey).Any(n => n.Name == other.Spec.NodeName)))
            ? NodeFilters.ForNow("node(s) didn't satisfy existing pods anti-affinity rules") : null;
    }

    /// <summary>Weights for and against, also those of the pods that are there already.</summary>
    public static long Score(Pod pod, Node node, ClusterView view)
    {
        var own = pod.Spec.Affinity;
        var score = own.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Sum(term => term.Weight * Count(pod, term.PodAffinityTerm, node, view))
            - own.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Sum(term => term.Weight * Count(pod, term.PodAffinityTerm, node, view));
        foreach (var other in view.Placed)
        {
            score += other.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(term => Applies(other, term, pod, node, view)).Sum(term => term.Weight);
            score -= other.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(term => Applies(other, term, pod, node, view)).Sum(term => term.Weight);
        }
        return score;
    }

    private static bool Applies(Pod other, WeightedPodAffinityTerm term, Pod pod, Node node, ClusterView view) =>
        view.Selects(other, term.PodAffinityTerm, pod) && view.Domain(node, term.PodAffinityTerm.TopologyKey).Any(n => n.Name == other.Spec.NodeName);

    private static int Count(Pod pod, PodAffinityTerm term, Node node, ClusterView view) =>
        view.Domain(node, term.TopologyKey).SelectMany(view.On).Count(other => view.Selects(pod, term, other));

    /// <summary>A pod that the term selects runs in the node's topology domain.</summary>
    private static bool Near(Pod pod, PodAffinityTerm term, Node node, ClusterView view) => Count(pod, term, node, view) > 0;

    /// <summary>The first pod of a group that wants to be together has nobody to go to.</summary>
    private static bool IsFirst(Pod pod, PodAffinityTerm term, Node node, ClusterView view) =>
        node.Metadata.Labels.ContainsKey(term.TopologyKey) && view.Selects(pod, term, pod) && !view.Placed.Any(other => view.Selects(pod, term, other));
}
