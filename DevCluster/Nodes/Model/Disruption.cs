namespace Troupe.DevCluster.Nodes.Model;

public sealed record PodDisruptionBudget
{
    public ObjectMeta Metadata { get; set; } = new();
    public DisruptionSpec Spec { get; set; } = new();
    public DisruptionStatus Status { get; set; } = new();

    public bool Covers(Pod pod) => pod.Namespace == Metadata.Namespace && Spec.Selector?.Matches(pod.Metadata.Labels) is true;
}

public sealed record DisruptionSpec
{
    public LabelSelector? Selector { get; set; }
    public IntOrString? MinAvailable { get; set; }
    public IntOrString? MaxUnavailable { get; set; }

    /// <summary>IfHealthyBudget (also when empty) or AlwaysAllow: what applies to pods that are not ready.</summary>
    public string UnhealthyPodEvictionPolicy { get; set; } = "";
}

public sealed record DisruptionStatus
{
    public long ObservedGeneration { get; set; }
    public int DisruptionsAllowed { get; set; }
    public int CurrentHealthy { get; set; }
    public int DesiredHealthy { get; set; }
    public int ExpectedPods { get; set; }

    /// <summary>Pods whose eviction was granted and which are not yet seen to go, by name.</summary>
    public Dictionary<string, DateTimeOffset> DisruptedPods { get; set; } = [];
}
