using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>Deprecated: domain settings that are merged into matching instances when they are created.</summary>
public sealed record VirtualMachineInstancePreset : KubeObject
{
    public VirtualMachineInstancePresetSpec? Spec { get; init; }
}

public sealed record VirtualMachineInstancePresetSpec : ApiObject
{
    public DomainSpec? Domain { get; init; }
    [ApiRequired]
    public LabelSelector? Selector { get; init; }
}
