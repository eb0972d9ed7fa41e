using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>The cluster as the scheduler sees it at one moment.</summary>
internal sealed class ClusterView
{
    private readonly ILookup<string, Pod> _byNode;
    private (Pod Pod, AffinityTally Tally)? _affinity;

    public ClusterView(IReadOnlyCollection<Node> nodes, IEnumerable<Pod> placed)
    {
        Nodes = nodes;
        Placed = [.. placed.Where(pod => !pod.IsFinished)];
        _byNode = Placed.ToLookup(pod => pod.Spec.NodeName);
    }

    public IReadOnlyCollection<Node> Nodes { get; }

    /// <summary>Pods that have a node and have not ended.</summary>
    public IReadOnlyList<Pod> Placed { get; }

    public StorageFit Storage { get; init; } = StorageFit.None;

    /// <summary>Labels of the namespaces, for affinity terms that select namespaces.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Namespaces { get; init; } = new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>How many more pods each budget lets go, by pod, for choosing victims.</summary>
    public Func<Pod, bool> IsProtectedByBudget { get; init; } = _ => false;

    public IEnumerable<Pod> On(Node node) => _byNode[node.Name];

    /// <summary>Counted for the pod that was asked about last: a view is made to place one.</summary>
    public AffinityTally Affinity(Pod pod)
    {
        if (_affinity is not { } known || !ReferenceEquals(known.Pod, pod)) _affinity = known = (pod, new AffinityTally(pod, this));
        return known.Tally;
    }

    public ClusterView Without(IReadOnlyCollection<Pod> gone) => With(Placed.Except(gone));

    public ClusterView With(IEnumerable<Pod> placed) =>
        new(Nodes, placed) { Storage = Storage, Namespaces = Namespaces, IsProtectedByBudget = IsProtectedByBudget };

    /// <summary>Whether an affinity term of a pod means another pod.</summary>
    public bool Selects(Pod pod, PodAffinityTerm term, Pod other) => InNamespaces(pod, term, other.Namespace) && term.LabelSelector?.Matches(other.Metadata.Labels) is true;

    private bool InNamespaces(Pod pod, PodAffinityTerm term, string ns) =>
        term is { Namespaces.Count: 0, NamespaceSelector: null }
            ? ns == pod.Namespace
            : term.Namespaces.Contains(ns) || term.NamespaceSelector?.Matches(Namespaces.GetValueOrDefault(ns, new Dictionary<string, string>())) is true;
}
