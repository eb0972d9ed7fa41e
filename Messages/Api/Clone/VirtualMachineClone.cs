using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Clone;

/// <summary>The wish for a copy of a machine under another name.</summary>
public sealed record VirtualMachineClone : KubeObject
{
    [ApiRequired]
    public VirtualMachineCloneSpec? Spec { get; init; }
    public VirtualMachineCloneStatus? Status { get; init; }
}

public sealed record VirtualMachineCloneSpec : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? AnnotationFilters { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? LabelFilters { get; init; }
    public IReadOnlyDictionary<string, string>? NewMacAddresses { get; init; }
    public string? NewSMBiosSerial { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? Patches { get; init; }
    [ApiRequired]
    public TypedLocalObjectReference? Source { get; init; }
    public TypedLocalObjectReference? Target { get; init; }
    public VirtualMachineCloneTemplateFilters? Template { get; init; }
    [ApiEnum("RandomizeNames", "PrefixTargetName")]
    public string? VolumeNamePolicy { get; init; }
}

public sealed record VirtualMachineCloneTemplateFilters : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? AnnotationFilters { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? LabelFilters { get; init; }
}

public sealed record VirtualMachineCloneStatus : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<Condition>? Conditions { get; init; }
    [ApiNullable]
    public DateTimeOffset? CreationTime { get; init; }
    public string? Phase { get; init; }
    [ApiNullable]
    public string? RestoreName { get; init; }
    [ApiNullable]
    public string? SnapshotName { get; init; }
    [ApiNullable]
    public string? TargetName { get; init; }
}
