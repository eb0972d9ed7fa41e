using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Which of the fitting nodes is best: kube-scheduler's scores, each brought to 0..100 over the nodes and weighted as there. Pure.</summary>
internal static class NodeScores
{
    public static Node Best(Pod pod, IReadOnlyList<Node> nodes, ClusterView view)
    {
        if (nodes is [var only]) return only;
        var totals = new double[nodes.Count];
        Add(1, node => Free(pod, node, view), normalize: false);
        Add(2, node => pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(term => term.Preference.Matches(node)).Sum(term => term.Weight));
        Add(2, node => PodAffinityRules.Score(pod, node, view));
        Add(2, node => -TopologySpread.Crowding(pod, node, view));
        Add(3, node => -node.Spec.Taints.Count(taint => taint.Effect == "PreferNoSchedule" && !pod.Spec.Tolerations.Exists(t => t.Tolerates(taint))));
        return nodes.Select((node, i) => (node, score: totals[i])).OrderByDescending(n => n.score).ThenBy(n => view.On(n.node).Count()).ThenBy(n => n.node.Name, StringComparer.Ordinal).First().node;

        void Add(int weight, Func<Node, double> score, bool normalize = true)
        {
            var scores = nodes.Select(score).ToList();
            var (least, range) = (scores.Min(), scores.Max() - scores.Min());
            for (var i = 0; i < totals.Length; i++)
            {
                if (!normalize) totals[i] += weight * scores[i];
                else if (range > 0) totals[i] += weight * 100 * (scores[i] - least) / range;
            }
        }
    }

    /// <summary>The share of CPU and memory that is left, in percent, with the pod on the node.</summary>
    private static double Free(Pod pod, Node node, ClusterView view)
    {
        var requests = PodRequests.Of(pod);
        return new[] { "cpu", "memory" }.Average(name =>
        {
            var capacity = node.Status.Allocatable.GetValueOrDefault(name).Value;
            var used = PodRequests.Of(view.On(node), name).Value + requests.GetValueOrDefault(name).Value;
            return capacity > 0 ? 100 * (double)Math.Max(0, 1 - (used / capacity)) : 0;
        });
    }
}
