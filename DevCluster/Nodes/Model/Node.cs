namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What scheduling reads of a Node object.</summary>
public sealed record Node
{
    public ObjectMeta Metadata { get; set; } = new();
    public NodeSpec Spec { get; set; } = new();
    public NodeStatus Status { get; set; } = new();
    public string Name => Metadata.Name;
}

public sealed record NodeSpec
{
    public bool Unschedulable { get; set; }
    public List<Taint> Taints { get; set; } = [];
}

public sealed record NodeStatus
{
    public Dictionary<string, Quantity> Allocatable { get; set; } = [];
    public Dictionary<string, Quantity> Capacity { get; set; } = [];
    public List<PodCondition> Conditions { get; set; } = [];
}

public sealed record Taint
{
    public const string OutOfService = "node.kubernetes.io/out-of-service";
    public const string NotReady = "node.kubernetes.io/not-ready";
    public const string Unreachable = "node.kubernetes.io/unreachable";
    public const string UnschedulableKey = "node.kubernetes.io/unschedulable";

    public string Key { get; set; } = "";
    public string Value { get; set; } = "";
    public string Effect { get; set; } = "";
    public DateTimeOffset? TimeAdded { get; set; }
}
