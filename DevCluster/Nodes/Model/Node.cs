namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What scheduling reads of a Node object.</summary>
public sealed record Node
{
    public ObjectMeta Metadata { get; init; } = new();
    public NodeSpec Spec { get; init; } = new();
    public NodeStatus Status { get; init; } = new();
    public string Name => Metadata.Name;
}

public sealed record NodeSpec
{
    public bool Unschedulable { get; init; }
    public List<Taint> Taints { get; init; } = [];
}

public sealed record NodeStatus
{
    public Dictionary<string, Quantity> Allocatable { get; init; } = [];
    public Dictionary<string, Quantity> Capacity { get; init; } = [];
    public List<PodCondition> Conditions { get; init; } = [];
}

public sealed record Taint
{
    public const string OutOfService = "node.kubernetes.io/out-of-service";
    public const string NotReady = "node.kubernetes.io/not-ready";
    public const string Unreachable = "node.kubernetes.io/unreachable";
    public const string UnschedulableKey = "node.kubernetes.io/unschedulable";

    public string Key { get; init; } = "";
    public string Value { get; init; } = "";
    public string Effect { get; init; } = "";
    public DateTimeOffset? TimeAdded { get; init; }
}
