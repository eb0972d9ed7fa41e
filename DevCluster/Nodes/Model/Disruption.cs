namespace Troupe.DevCluster.Nodes.Model;

public sealed record PodDisruptionBudget
{
    public ObjectMeta Metadata { get; init; } = new();
    public DisruptionSpec Spec { get; init; } = new();
    public DisruptionStatus Status { get; init; } = new();

    public bool Covers(Pod pod) => pod.Namespace == Metadata.Namespace && Spec.Selector?.Matches(pod.Metadata.Labels) is true;
}

public sealed record DisruptionSpec
{
    public LabelSelector? Selector { get; init; }
    public IntOrString? MinAvailable { get; init; }
    public IntOrString? MaxUnavailable { get; init; }

    /// <summary>IfHealthyBudget (also when empty) or AlwaysAllow: what applies to pods that are not ready.</summary>
    public string UnhealthyPodEvictionPolicy { get; init; } = "";
}

public sealed record DisruptionStatus
{
    public long ObservedGeneration { get; init; }
    public int DisruptionsAllowed { get; init; }
    public int CurrentHealthy { get; init; }
    public int DesiredHealthy { get; init; }
    public int ExpectedPods { get; init; }

    /// <summary>Pods whose eviction was granted and which are not yet seen to go, by name.</summary>
    public Dictionary<string, DateTimeOffset> DisruptedPods { get; init; } = [];
}
