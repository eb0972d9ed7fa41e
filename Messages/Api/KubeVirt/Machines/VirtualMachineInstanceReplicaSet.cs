using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>A number of interchangeable virtual machine instances made from one template.</summary>
public sealed record VirtualMachineInstanceReplicaSet : KubeObject
{
    [ApiRequired]
    public VirtualMachineInstanceReplicaSetSpec? Spec { get; init; }
    [ApiNullable]
    public VirtualMachineInstanceReplicaSetStatus? Status { get; init; }
}

public sealed record VirtualMachineInstanceReplicaSetSpec : ApiObject
{
    /// <summary>While true, no instance is created or deleted.</summary>
    public bool? Paused { get; init; }
    public int? Replicas { get; init; }
    [ApiRequired]
    public LabelSelector? Selector { get; init; }
    [ApiRequired]
    public VirtualMachineInstanceTemplateSpec? Template { get; init; }
}

public sealed record VirtualMachineInstanceReplicaSetStatus : ApiObject
{
    public IReadOnlyList<Condition>? Conditions { get; init; }
    /// <summary>The selector as text, for the scale subresource and autoscalers.</summary>
    public string? LabelSelector { get; init; }
    public int? ReadyReplicas { get; init; }
    public int? Replicas { get; init; }
}
