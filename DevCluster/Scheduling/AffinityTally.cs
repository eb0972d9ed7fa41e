using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>What the affinity of all pods means for one pod, counted once for all nodes: by topology label, then by its value.</summary>
internal sealed class AffinityTally
{
    private readonly ClusterView _view;
    private readonly Pod _pod;
    private readonly Dictionary<string, Node> _nodes;
    private readonly Dictionary<PodAffinityTerm, Dictionary<string, long>> _own = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, Dictionary<string, long>> _forbidden = [];
    private readonly Dictionary<string, Dictionary<string, long>> _liked = [];

    public AffinityTally(Pod pod, ClusterView view)
    {
        (_pod, _view) = (pod, view);
        _nodes = view.Nodes.ToDictionary(node => node.Name);
        foreach (var other in view.Placed)
        {
            var (near, far) = (other.Spec.Affinity.PodAffinity, other.Spec.Affinity.PodAntiAffinity);
            foreach (var term in far.RequiredDuringSchedulingIgnoredDuringExecution) Add(_forbidden, other, term, 1);
            foreach (var term in near.PreferredDuringSchedulingIgnoredDuringExecution) Add(_liked, other, term.PodAffinityTerm, term.Weight);
            foreach (var term in far.PreferredDuringSchedulingIgnoredDuringExecution) Add(_liked, other, term.PodAffinityTerm, -term.Weight);
        }
    }

    /// <summary>Pods that the pod's own term selects, in the node's topology domain.</summary>
    public long Near(PodAffinityTerm term, Node node)
    {
        if (!_own.TryGetValue(term, out var counts))
        {
            _own[term] = counts = [];
            foreach (var other in _view.Placed.Where(other => _view.Selects(_pod, term, other))) Count(counts, other, term.TopologyKey, 1);
        }
        return node.Metadata.Labels.TryGetValue(term.TopologyKey, out var value) ? counts.GetValueOrDefault(value) : 0;
    }

    /// <summary>A pod that is there will not have this one in its topology domain.</summary>
    public bool IsForbidden(Node node) => Sum(_forbidden, node) > 0;

    /// <summary>Weights for and against of the pods that are there.</summary>
    public long Liked(Node node) => Sum(_liked, node);

    private static long Sum(Dictionary<string, Dictionary<string, long>> tally, Node node) =>
        tally.Sum(key => node.Metadata.Labels.TryGetValue(key.Key, out var value) ? key.Value.GetValueOrDefault(value) : 0);

    private void Add(Dictionary<string, Dictionary<string, long>> tally, Pod other, PodAffinityTerm term, long weight)
    {
        if (!_view.Selects(other, term, _pod)) return;
        if (!tally.TryGetValue(term.TopologyKey, out var counts)) tally[term.TopologyKey] = counts = [];
        Count(counts, other, term.TopologyKey, weight);
    }

    private void Count(Dictionary<string, long> counts, Pod other, string topologyKey, long weight)
    {
        if (_nodes.TryGetValue(other.Spec.NodeName, out var node) && node.Metadata.Labels.TryGetValue(topologyKey, out var value))
            counts[value] = counts.GetValueOrDefault(value) + weight;
    }
}
