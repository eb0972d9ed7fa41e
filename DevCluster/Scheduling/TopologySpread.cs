using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Topology spread constraints: the hard ones as a filter, the soft ones as a score. Pure.</summary>
internal static class TopologySpread
{
    public static Refusal? Refuse(Pod pod, Node node, ClusterView view)
    {
        foreach (var constraint in pod.Spec.TopologySpreadConstraints.Where(c => c.WhenUnsatisfiable == "DoNotSchedule"))
        {
            if (!node.Metadata.Labels.TryGetValue(constraint.TopologyKey, out var domain))
                return NodeFilters.ForGood("node(s) didn't match pod topology spread constraints (missing required label)");
            var counts = Counts(pod, constraint, view);
            // With fewer domains than wanted, the emptiest is one that is not there yet.
            var least = constraint.MinDomains is { } wanted && counts.Count < wanted || counts.Count == 0 ? 0 : counts.Values.Min();
            var self = Selects(pod, constraint, pod) ? 1 : 0;
            if (counts.GetValueOrDefault(domain) + self - least > constraint.MaxSkew)
                return NodeFilters.ForNow("node(s) didn't match pod topology spread constraints");
        }
        return null;
    }

    /// <summary>Matching pods in the node's domains: fewer is better.</summary>
    public static long Crowding(Pod pod, Node node, ClusterView view) => pod.Spec.TopologySpreadConstraints.Where(c => c.WhenUnsatisfiable == "ScheduleAnyway")
        .Sum(constraint => node.Metadata.Labels.TryGetValue(constraint.TopologyKey, out var domain) ? Counts(pod, constraint, view).GetValueOrDefault(domain) : 1000);

    /// <summary>Matching pods per domain, over the nodes that the pod's node affinity allows.</summary>
    private static Dictionary<string, int> Counts(Pod pod, TopologySpreadConstraint constraint, ClusterView view) => view.Nodes
        .Where(node => node.Metadata.Labels.ContainsKey(constraint.TopologyKey) && NodeFilters.Wants(pod, node))
        .GroupBy(node => node.Metadata.Labels[constraint.TopologyKey])
        .ToDictionary(domain => domain.Key, domain => domain.SelectMany(view.On).Count(other => other.Metadata.DeletionTimestamp is null && Selects(pod, constraint, other)));

    private static bool Selects(Pod pod, TopologySpreadConstraint constraint, Pod other) =>
        other.Namespace == pod.Namespace && constraint.LabelSelector?.Matches(other.Metadata.Labels) is true
        && constraint.MatchLabelKeys.TrueForAll(key => pod.Metadata.Labels.GetValueOrDefault(key) == other.Metadata.Labels.GetValueOrDefault(key));
}
