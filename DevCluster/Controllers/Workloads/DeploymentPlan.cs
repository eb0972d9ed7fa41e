using System.Globalization;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>The next sizes of a Deployment's replica sets. Pure.</summary>
internal static class DeploymentPlan
{
    /// <summary>On a replica set: the size its deployment had, and the most pods it could have with its surge, when the set was last scaled.</summary>
    public const string Desired = "deployment.kubernetes.io/desired-replicas", Max = "deployment.kubernetes.io/max-replicas";

    /// <param name="deployment">What is wanted.</param>
    /// <param name="current">The replica set of the current template.</param>
    /// <param name="old">The others.</param>
    /// <param name="oldPods">Pods of the others that still are there, ending or not.</param>
    /// <returns>Replica sets whose size changes.</returns>
    public static IReadOnlyList<(Workload Set, int Replicas)> Scale(Workload deployment, Workload current, IReadOnlyList<Workload> old, int oldPods)
    {
        var wanted = deployment.Spec.Replicas;
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

    /// <summary>Whether the size was changed since the sets were last scaled.</summary>
    public static bool IsResized(Workload deployment, IEnumerable<Workload> sets) => sets.Any(set => set.Spec.Replicas > 0 && Number(set, Desired) is { } desired && desired != deployment.Spec.Replicas);

    /// <summary>
    /// The sizes that go with a new size of the deployment, or of a paused one: no roll-out goes on here. In the middle of one, what is added or taken
    /// away is shared among the sets in proportion to their sizes, so that it is neither hastened nor thrown back.
    /// </summary>
    /// <param name="deployment">What is wanted.</param>
    /// <param name="current">The replica set of the current template, if there is one yet.</param>
    /// <param name="sets">All its replica sets.</param>
    public static IReadOnlyList<(Workload Set, int Replicas)> Resize(Workload deployment, Workload? current, IReadOnlyList<Workload> sets)
    {
        var wanted = deployment.Spec.Replicas;
        var active = sets.Where(set => set.Spec.Replicas > 0).ToList();
        if (active.Count < 2)
        {
            var only = active.FirstOrDefault() ?? current ?? sets.MaxBy(set => set.Metadata.CreationTimestamp);
            return only is null || only.Spec.Replicas == wanted ? [] : [(only, wanted)];
        }
        if (current is not null && current.Spec.Replicas == wanted && current.Status.AvailableReplicas == wanted && Number(current, Desired) == wanted)
            return [.. active.Where(set => set != current).Select(set => (set, 0))];
        return deployment.Spec.Strategy.Type == "Recreate" ? [] : Shared(deployment, active);
    }

    private static List<(Workload Set, int Replicas)> Shared(Workload deployment, List<Workload> active)
    {
        var most = deployment.Spec.Replicas == 0 ? 0 : deployment.Spec.Replicas + Limits(deployment).Surge;
        var toAdd = most - active.Sum(set => set.Spec.Replicas);
        // The largest first, as it gets what rounding leaves over; of two as large the newer grows and the older shrinks.
        var bySize = active.OrderByDescending(set => set.Spec.Replicas);
        List<Workload> sorted = [.. toAdd > 0 ? bySize.ThenByDescending(set => set.Metadata.CreationTimestamp) : bySize.ThenBy(set => set.Metadata.CreationTimestamp)];
        var sizes = new List<int>();
        var left = toAdd;
        foreach (var set in sorted)
        {
            var before = Number(set, Max) is { } max and > 0 ? max : deployment.Status.Replicas;
            var share = before == 0 ? 0 : (int)Math.Round((double)set.Spec.Replicas * most / before, MidpointRounding.AwayFromZero) - set.Spec.Replicas;
            share = toAdd > 0 ? Math.Clamp(share, 0, left) : Math.Clamp(share, left, 0);
            sizes.Add(set.Spec.Replicas + share);
            left -= share;
        }
        sizes[0] = Math.Max(0, sizes[0] + left);
        return [.. sorted.Zip(sizes).Where(s => s.First.Spec.Replicas != s.Second)];
    }

    private static int? Number(Workload set, string annotation) =>
        int.TryParse(set.Metadata.Annotations.GetValueOrDefault(annotation), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

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
