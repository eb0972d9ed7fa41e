using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Snapshot;

/// <summary>The wish for a point-in-time copy of a machine's definition and disks.</summary>
public sealed record VirtualMachineSnapshot : KubeObject
{
    [ApiRequired]
    public VirtualMachineSnapshotSpec? Spec { get; init; }
    public VirtualMachineSnapshotStatus? Status { get; init; }
}

public sealed record VirtualMachineSnapshotSpec : ApiObject
{
    public string? DeletionPolicy { get; init; }
    public Duration? FailureDeadline { get; init; }
    [ApiRequired]
    public TypedLocalObjectReference? Source { get; init; }
}

public sealed record VirtualMachineSnapshotStatus : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<Condition>? Conditions { get; init; }
    [ApiNullable]
    public DateTimeOffset? CreationTime { get; init; }
    public SnapshotError? Error { get; init; }
    [ListType("set")]
    public IReadOnlyList<string>? Indications { get; init; }
    public string? Phase { get; init; }
    public bool? ReadyToUse { get; init; }
    public SnapshotVolumesLists? SnapshotVolumes { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<SourceIndication>? SourceIndications { get; init; }
    public string? SourceUID { get; init; }
    public string? VirtualMachineSnapshotContentName { get; init; }
}

public sealed record SnapshotVolumesLists : ApiObject
{
    [ListType("set")]
    public IReadOnlyList<string>? ExcludedVolumes { get; init; }
    [ListType("set")]
    public IReadOnlyList<string>? IncludedVolumes { get; init; }
}

public sealed record SourceIndication : ApiObject
{
    [ApiRequired]
    public string? Indication { get; init; }
    [ApiRequired]
    public string? Message { get; init; }
}

public sealed record SnapshotError : ApiObject
{
    public string? Message { get; init; }
    public DateTimeOffset? Time { get; init; }
}
