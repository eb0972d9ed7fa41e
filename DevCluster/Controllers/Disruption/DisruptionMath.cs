using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Disruption;

/// <summary>A budget's arithmetic. Pure.</summary>
internal static class DisruptionMath
{
    /// <summary>How long a granted eviction counts although its pod is not seen to go.</summary>
    private static readonly TimeSpan GrantedFor = TimeSpan.FromMinutes(2);

    /// <param name="budget">The budget.</param>
    /// <param name="pods">The pods that it covers.</param>
    /// <param name="scale">Replicas that the pods' controllers want together; null when one is of an unknown kind.</param>
    /// <param name="now">The time.</param>
    public static DisruptionStatus StatusOf(PodDisruptionBudget budget, IReadOnlyList<Pod> pods, int? scale, DateTimeOffset now)
    {
        var living = pods.Where(pod => !pod.IsFinished).ToList();
        var granted = budget.Status.DisruptedPods.Where(entry => entry.Value + GrantedFor > now && living.Exists(pod => pod.Name == entry.Key && !pod.Metadata.IsDeleted))
            .ToDictionary(entry => entry.Key, entry => entry.Value);
        var healthy = living.Count(pod => !pod.Metadata.IsDeleted && !granted.ContainsKey(pod.Name) && pod.IsReady);
        var (desired, expected) = Wanted(budget.Spec, living.Count, scale);
        return new DisruptionStatus
        {
            ObservedGeneration = budget.Metadata.Generation,
            CurrentHealthy = healthy,
            DesiredHealthy = desired,
            ExpectedPods = expected,
            DisruptionsAllowed = expected <= 0 || scale is null && NeedsScale(budget.Spec) ? 0 : Math.Max(0, healthy - desired),
            DisruptedPods = granted,
        };
    }

    private static bool NeedsScale(DisruptionSpec spec) => spec.MaxUnavailable is not null || spec.MinAvailable is { Number: null };

    private static (int Desired, int Expected) Wanted(DisruptionSpec spec, int pods, int? scale)
    {
        var expected = scale ?? 0;
        if (spec.MaxUnavailable is { } most) return (Math.Max(0, expected - most.Of(expected, up: true)), expected);
        return spec.MinAvailable switch
        {
            { Number: { } number } => (number, pods),
            { } percent => (percent.Of(expected, up: true), expected),
            null => (1, pods),
        };
    }
}
