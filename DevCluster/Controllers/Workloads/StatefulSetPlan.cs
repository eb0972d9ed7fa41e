using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>The next pods of a StatefulSet to make or delete. Pure.</summary>
internal static class StatefulSetPlan
{
    public static int Ordinal(Workload set, Pod pod) =>
        pod.Name.StartsWith(set.Name + "-", StringComparison.Ordinal) && int.TryParse(pod.Name[(set.Name.Length + 1)..], out var ordinal) ? ordinal : -1;

    public static (IReadOnlyList<int> Create, IReadOnlyList<Pod> Delete) Next(Workload set, IReadOnlyList<Pod> pods, string updateHash, DateTimeOffset now)
    {
        var byOrdinal = pods.Where(pod => Ordinal(set, pod) >= 0).ToDictionary(pod => Ordinal(set, pod));
        var parallel = set.Spec.PodManagementPolicy == "Parallel";
        bool IsUp(int ordinal) => byOrdinal.TryGetValue(ordinal, out var pod) && ReplicaSetPlan.IsAvailable(pod, set.Spec.MinReadySeconds, now);

        var create = new List<int>();
        var delete = new List<Pod>();
        for (var ordinal = 0; ordinal < set.Spec.Replicas; ordinal++)
        {
            if (!byOrdinal.TryGetValue(ordinal, out var pod)) create.Add(ordinal);
            else if (pod is { IsFinished: true, Metadata.IsDeleted: false }) delete.Add(pod);
            // In order: nothing after one that is not up.
            if (!parallel && !IsUp(ordinal)) return (create, delete);
        }
        var surplus = byOrdinal.Where(entry => entry.Key >= set.Spec.Replicas).OrderByDescending(entry => entry.Key).Select(entry => entry.Value).ToList();
        if (surplus.Count > 0)
        {
            var ending = surplus.Exists(pod => pod.Metadata.IsDeleted);
            delete.AddRange(parallel ? surplus.Where(pod => !pod.Metadata.IsDeleted) : ending ? [] : surplus.Take(1));
            if (!parallel) return (create, delete);
        }
        if (create.Count > 0 || delete.Count > 0 || set.Spec.UpdateStrategy.Type != "RollingUpdate") return (create, delete);
        // From the last to the partition, one at a time: the next goes when the one before it is back.
        for (var ordinal = set.Spec.Replicas - 1; ordinal >= set.Spec.UpdateStrategy.RollingUpdate.Partition; ordinal--)
        {
            if (!byOrdinal.TryGetValue(ordinal, out var pod) || pod.Metadata.IsDeleted) break;
            if (pod.Metadata.Labels.GetValueOrDefault(Revisions.HashLabel) is { } hash && !hash.EndsWith("-" + updateHash, StringComparison.Ordinal) && hash != updateHash)
            {
                delete.Add(pod);
                break;
            }
            if (!IsUp(ordinal)) break;
        }
        return (create, delete);
    }
}
