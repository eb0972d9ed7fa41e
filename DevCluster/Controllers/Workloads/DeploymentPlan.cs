using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>The next sizes of a Deployment's replica sets. Pure.</summary>
internal static class DeploymentPlan
{
    /// <param name="deployment">What is wanted.</param>
    /// <param name="current">The replica set of the current template.</param>
    /// <param name="old">The others.</param>
    /// <param name="oldPods">Pods of the others that still are there, ending or not.</param>
    /// <returns>Replica sets whose size changes.</returns>
    public static IReadOnlyList<(Workload Set, int Replicas)> Scale(Workload deployment, Workload current, IReadOnlyList<Workload> old, int oldPods)
    {
        var wanted = deployment.Spec.Replicas;
        if (deployment.Spec.Paused) return ScalePaused(deployment, [current, .. old]);
        if (deployment.Spec.Strategy.Type == "Recreate")
        {
            var shut = old.Where(set => set.Spec.Replicas > 0).Select(set => (set, 0)).ToList();
            return shut.Count > 0 ? shut : oldPods > 0 || current.Spec.Replicas == wanted ? [] : [(current, wanted)];
        }
        var (surge, unavailable) = Limits(deployment);
        if (current.Spec.Replicas > wanted) return [(current, wanted)];
        var total = current.Spec.Replicas + old.Sum(set => set.Spec.Replicas);
        if (current.Spec.Replicas < wanted && wanted + surge - total is > 0 and var room)
            return [(current, current.Spec.Replicas + Math.Min(room, wanted - current.Spec.Replicas))];
        return ScaleDown(current, old, total, least: wanted - unavailable);
    }

    /// <summary>No roll-out goes on, but the size is still the user's: that of the set that runs, or of the newest when none does.</summary>
    /// <param name="deployment">What is wanted.</param>
    /// <param name="sets">All its replica sets.</param>
    public static IReadOnlyList<(Workload Set, int Replicas)> ScalePaused(Workload deployment, IReadOnlyList<Workload> sets)
    {
        var active = sets.Where(set => set.Spec.Replicas > 0).ToList();
        var only = active.Count == 0 ? sets.MaxBy(set => set.Metadata.CreationTimestamp) : active.Count == 1 ? active[0] : null;
        return only is not null && only.Spec.Replicas != deployment.Spec.Replicas ? [(only, deployment.Spec.Replicas)] : [];
    }

    /// <summary>maxSurge and maxUnavailable in pods; never both 0, or nothing could move.</summary>
    public static (int Surge, int Unavailable) Limits(Workload deployment)
    {
        var (rolling, wanted) = (deployment.Spec.Strategy.RollingUpdate, deployment.Spec.Replicas);
        var surge = (rolling.MaxSurge ?? new IntOrString("25%")).Of(wanted, up: true);
        var unavailable = Math.Min(wanted, (rolling.MaxUnavailable ?? new IntOrString("25%")).Of(wanted, up: false));
        return (surge, surge == 0 && unavailable == 0 ? 1 : unavailable);
    }

    private static List<(Workload, int)> ScaleDown(Workload current, IReadOnlyList<Workload> old, int total, int least)
    {
        var changes = new Dictionary<string, (Workload Set, int Replicas)>();
        var budget = total - least - Math.Max(0, current.Spec.Replicas - current.Status.AvailableReplicas);
        var oldest = old.Where(set => set.Spec.Replicas > 0).OrderBy(set => set.Metadata.CreationTimestamp).ToList();
        // Pods that don't work cost nothing to lose.
        foreach (var set in oldest)
        {
            var broken = Math.Min(Math.Max(0, budget), Math.Max(0, set.Spec.Replicas - set.Status.AvailableReplicas));
            if (broken == 0) continue;
            changes[set.Name] = (set, set.Spec.Replicas - broken);
            budget -= broken;
        }
        var available = Math.Min(current.Status.AvailableReplicas, current.Spec.Replicas) + old.Sum(set => Math.Min(set.Status.AvailableReplicas, set.Spec.Replicas));
        var spare = Math.Min(Math.Max(0, budget), available - least);
        foreach (var set in oldest)
        {
            var size = changes.TryGetValue(set.Name, out var change) ? change.Replicas : set.Spec.Replicas;
            var fewer = Math.Min(size, Math.Max(0, spare));
            if (fewer == 0) continue;
            changes[set.Name] = (set, size - fewer);
            spare -= fewer;
        }
        return [.. changes.Values];
    }
}
