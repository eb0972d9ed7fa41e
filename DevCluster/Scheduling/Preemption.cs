using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Which pods of less priority have to go so that a pod has room. Pure.</summary>
internal sealed record Preemption(Node Node, IReadOnlyList<Pod> Victims, int ViolatedBudgets)
{
    /// <summary>The node where it hurts least: few violated budgets, then low priorities, few pods, young pods.</summary>
    public static Preemption? Find(Pod pod, IEnumerable<Node> nodes, ClusterView view) => nodes
        .Select(node => On(pod, node, view)).OfType<Preemption>()
        .OrderBy(p => p.ViolatedBudgets).ThenBy(p => p.Victims.Max(v => v.Spec.Priority)).ThenBy(p => p.Victims.Sum(v => (long)v.Spec.Priority))
        .ThenBy(p => p.Victims.Count).ThenByDescending(p => p.Victims.Min(v => v.Status.StartTime ?? v.Metadata.CreationTimestamp))
        .FirstOrDefault();

    private static Preemption? On(Pod pod, Node node, ClusterView view)
    {
        var lesser = view.On(node).Where(other => other.Spec.Priority < pod.Spec.Priority).ToList();
        if (lesser.Count == 0 || NodeFilters.Refuse(pod, node, view.Without(lesser)) is not null) return null;

        // Those that budgets protect are spared first, then the important and the old ones.
        var victims = new List<Pod>(lesser);
        foreach (var candidate in lesser.OrderByDescending(view.IsProtectedByBudget).ThenByDescending(v => v.Spec.Priority).ThenBy(v => v.Status.StartTime ?? v.Metadata.CreationTimestamp))
        {
            var without = victims.Where(victim => victim != candidate).ToList();
            if (NodeFilters.Refuse(pod, node, view.Without(without)) is null) victims = without;
        }
        return victims.Count == 0 ? null : new Preemption(node, victims, victims.Count(view.IsProtectedByBudget));
    }
}
