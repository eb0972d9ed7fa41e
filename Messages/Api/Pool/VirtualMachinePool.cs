using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Pool;

/// <summary>A number of virtual machines with names of their own, made from one template.</summary>
public sealed record VirtualMachinePool : KubeObject
{
    [ApiRequired]
    public VirtualMachinePoolSpec? Spec { get; init; }
    public VirtualMachinePoolStatus? Status { get; init; }
}

public sealed record VirtualMachinePoolSpec : ApiObject
{
    public VirtualMachinePoolAutohealingStrategy? Autohealing { get; init; }
    /// <summary>How many machines an update may restart at once, as a number or a percentage; default 100%.</summary>
    public IntOrString? MaxUnavailable { get; init; }
    public VirtualMachinePoolNameGeneration? NameGeneration { get; init; }
    public bool? Paused { get; init; }
    [ApiMinimum(0)]
    public int? Replicas { get; init; }
    public VirtualMachinePoolScaleInStrategy? ScaleInStrategy { get; init; }
    [ApiRequired]
    public LabelSelector? Selector { get; init; }
    public VirtualMachinePoolUpdateStrategy? UpdateStrategy { get; init; }
    [ApiRequired]
    public VirtualMachineTemplateSpec? VirtualMachineTemplate { get; init; }
}

public sealed record VirtualMachineTemplateSpec : ApiObject
{
    [ApiNullable]
    public ObjectMeta? Metadata { get; init; }
    public VirtualMachineSpec? Spec { get; init; }
}

public sealed record VirtualMachinePoolStatus : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<Condition>? Conditions { get; init; }
    public string? LabelSelector { get; init; }
    public int? ReadyReplicas { get; init; }
    public int? Replicas { get; init; }
}

/// <summary>Whether references in a machine's template get the machine's index appended.</summary>
public sealed record VirtualMachinePoolNameGeneration : ApiObject
{
    public bool? AppendIndexToConfigMapRefs { get; init; }
    public bool? AppendIndexToSecretRefs { get; init; }
}

/// <summary>When a machine that never comes up is replaced.</summary>
public sealed record VirtualMachinePoolAutohealingStrategy : ApiObject
{
    public Duration? MinFailingToStartDuration { get; init; }
    [ApiMinimum(1)]
    [ApiFormat("int32")]
    public long? StartUpFailureThreshold { get; init; }
}
