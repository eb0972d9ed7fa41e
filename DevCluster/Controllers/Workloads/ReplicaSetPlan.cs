using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>How many pods a replica set makes or which it deletes. Pure.</summary>
internal static class ReplicaSetPlan
{
    public static (int Create, IReadOnlyList<Pod> Delete) Next(int wanted, IReadOnlyList<Pod> pods)
    {
        var active = pods.Where(pod => !pod.IsFinished && !pod.Metadata.IsDeleted).ToList();
        return active.Count <= wanted ? (wanted - active.Count, []) : (0, [.. active.OrderBy(Worth).ThenByDescending(pod => pod.Metadata.CreationTimestamp).ThenBy(pod => pod.Name, StringComparer.Ordinal).Take(active.Count - wanted)]);
    }

    public static bool IsAvailable(Pod pod, int minReadySeconds, DateTimeOffset now) => !pod.Metadata.IsDeleted && pod.IsReady && ReadySince(pod) + TimeSpan.FromSeconds(minReadySeconds) <= now;

    /// <summary>When the next ready pod counts as available.</summary>
    public static TimeSpan? NextAvailable(IEnumerable<Pod> pods, int minReadySeconds, DateTimeOffset now) => minReadySeconds == 0 ? null
        : pods.Where(pod => pod.IsReady).Select(pod => ReadySince(pod) + TimeSpan.FromSeconds(minReadySeconds) - now).Where(left => left > TimeSpan.Zero).Select(left => (TimeSpan?)left).Min();

    private static DateTimeOffset? ReadySince(Pod pod) => pod.Status.Conditions.Find(condition => condition.Type == "Ready")?.LastTransitionTime ?? DateTimeOffset.MinValue;

    /// <summary>Least worth goes first: not bound, then not running, then not ready; the owner may put a price on each.</summary>
    private static (int State, int Cost, int Restarts) Worth(Pod pod) => (
        pod.Spec.NodeName.Length == 0 ? 0 : pod.Status.Phase != "Running" ? 1 : !pod.IsReady ? 2 : 3,
        int.TryParse(pod.Metadata.Annotations.GetValueOrDefault("controller.kubernetes.io/pod-deletion-cost"), out var cost) ? cost : 0,
        -pod.Status.ContainerStatuses.Sum(status => status.RestartCount));
}
