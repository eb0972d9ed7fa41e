using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>The objects that scheduling looks at, as the feeds have shown them and as the scheduler itself has just decided.</summary>
internal sealed class SchedulerCache
{
    public static readonly ResourceKey[] Kinds =
    [
        ResourceKey.Nodes, ResourceKey.Pods, ResourceKey.PersistentVolumeClaims, ResourceKey.PersistentVolumes, ResourceKey.StorageClasses, ResourceKey.Namespaces, ResourceKey.PodDisruptionBudgets,
    ];

    private readonly Dictionary<string, Node> _nodes = [];
    private readonly Dictionary<string, Pod> _pods = [];
    private readonly Dictionary<string, PersistentVolumeClaim> _claims = [];
    private readonly Dictionary<string, PersistentVolume> _volumes = [];
    private readonly Dictionary<string, StorageClass> _classes = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _namespaces = [];
    private readonly Dictionary<string, PodDisruptionBudget> _budgets = [];
    private readonly HashSet<ResourceKey> _synced = [];

    public bool IsSynced => _synced.Count == Kinds.Length;

    public IEnumerable<Pod> Pods => _pods.Values;

    public void Apply(ResourceKey kind, FeedEvent e)
    {
        switch (e)
        {
            case FeedEvent.Synced:
                _synced.Add(kind);
                break;
            case FeedEvent.Present present:
                Set(kind, present.Object);
                break;
            case FeedEvent.Gone gone:
                Remove(kind, gone.LastKnown);
                break;
        }
    }

    /// <summary>A decision counts at once, so that the next pod does not take the same room.</summary>
    public void Assume(Pod pod) => _pods[pod.Uid] = pod;

    public ClusterView View(Pod forPod)
    {
        // Pods of at least the same priority that wait for room on a node count as if they were there.
        var nominated = _pods.Values.Where(other => other.Spec.NodeName.Length == 0 && other.Uid != forPod.Uid && !other.Metadata.IsDeleted
            && other.Status.NominatedNodeName.Length > 0 && other.Spec.Priority >= forPod.Spec.Priority)
            .Select(other => other with { Spec = other.Spec with { NodeName = other.Status.NominatedNodeName } });
        return new ClusterView(_nodes.Values, _pods.Values.Where(pod => pod.Spec.NodeName.Length > 0).Concat(nominated))
        {
            Storage = new StorageFit(_claims, _volumes, _classes),
            Namespaces = _namespaces,
            IsProtectedByBudget = pod => _budgets.Values.Any(budget => budget.Covers(pod) && budget.Status.DisruptionsAllowed <= 0),
        };
    }

    public Node Node(string name) => _nodes[name];

    private void Set(ResourceKey kind, JsonObject obj)
    {
        if (kind == ResourceKey.Nodes) _nodes[Name(obj)] = KubeJson.Read<Node>(obj);
        else if (kind == ResourceKey.Pods && KubeJson.Read<Pod>(obj) is var pod) _pods[pod.Uid] = pod;
        else if (kind == ResourceKey.PersistentVolumeClaims && KubeJson.Read<PersistentVolumeClaim>(obj) is var claim) _claims[claim.Key] = claim;
        else if (kind == ResourceKey.PersistentVolumes) _volumes[Name(obj)] = KubeJson.Read<PersistentVolume>(obj);
        else if (kind == ResourceKey.StorageClasses) _classes[Name(obj)] = KubeJson.Read<StorageClass>(obj);
        else if (kind == ResourceKey.Namespaces) _namespaces[Name(obj)] = KubeJson.Read<ObjectMeta>(obj["metadata"]!).Labels;
        else if (kind == ResourceKey.PodDisruptionBudgets && KubeJson.Read<PodDisruptionBudget>(obj) is var budget) _budgets[budget.Metadata.Uid] = budget;
    }

    private void Remove(ResourceKey kind, JsonObject obj)
    {
        var metadata = KubeJson.Read<ObjectMeta>(obj["metadata"]!);
        if (kind == ResourceKey.Nodes) _nodes.Remove(metadata.Name);
        else if (kind == ResourceKey.Pods) _pods.Remove(metadata.Uid);
        else if (kind == ResourceKey.PersistentVolumeClaims) _claims.Remove($"{metadata.Namespace}/{metadata.Name}");
        else if (kind == ResourceKey.PersistentVolumes) _volumes.Remove(metadata.Name);
        else if (kind == ResourceKey.StorageClasses) _classes.Remove(metadata.Name);
        else if (kind == ResourceKey.Namespaces) _namespaces.Remove(metadata.Name);
        else if (kind == ResourceKey.PodDisruptionBudgets) _budgets.Remove(metadata.Uid);
    }

    private static string Name(JsonObject obj) => obj["metadata"]!["name"]!.GetValue<string>();
}
