using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record Node : KubeObject
{
    public NodeSpec? Spec { get; init; }
    public NodeStatus? Status { get; init; }
}

public sealed record NodeSpec : ApiObject
{
    public IReadOnlyList<Taint>? Taints { get; init; }
    public bool? Unschedulable { get; init; }
}

public sealed record Taint : ApiObject
{
    public string? Effect { get; init; }
    public string? Key { get; init; }
    public DateTimeOffset? TimeAdded { get; init; }
    public string? Value { get; init; }
}

public sealed record NodeStatus : ApiObject
{
    public IReadOnlyList<NodeAddress>? Addresses { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Allocatable { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Capacity { get; init; }
    public IReadOnlyList<NodeCondition>? Conditions { get; init; }
}

public sealed record NodeAddress : ApiObject
{
    public string? Address { get; init; }
    public string? Type { get; init; }
}

public sealed record NodeCondition : ApiObject
{
    public DateTimeOffset? LastHeartbeatTime { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public string? Status { get; init; }
    public string? Type { get; init; }
}
