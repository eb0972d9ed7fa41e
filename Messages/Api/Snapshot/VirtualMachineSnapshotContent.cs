using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Snapshot;

/// <summary>A taken snapshot: the machine's definition and its volume snapshots.</summary>
public sealed record VirtualMachineSnapshotContent : KubeObject
{
    [ApiRequired]
    public VirtualMachineSnapshotContentSpec? Spec { get; init; }
    public VirtualMachineSnapshotContentStatus? Status { get; init; }
}

public sealed record VirtualMachineSnapshotContentSpec : ApiObject
{
    [ApiRequired]
    public SnapshotContentSource? Source { get; init; }
    public string? VirtualMachineSnapshotName { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VolumeBackup>? VolumeBackups { get; init; }
}

public sealed record VirtualMachineSnapshotContentStatus : ApiObject
{
    [ApiNullable]
    public DateTimeOffset? CreationTime { get; init; }
    public SnapshotError? Error { get; init; }
    public bool? ReadyToUse { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VolumeSnapshotContentStatus>? VolumeSnapshotStatus { get; init; }
}

public sealed record SnapshotContentSource : ApiObject
{
    public VirtualMachineCopy? VirtualMachine { get; init; }
}

/// <summary>The machine as it was when the snapshot was taken.</summary>
public sealed record VirtualMachineCopy : ApiObject
{
    [ApiNullable]
    public ObjectMeta? Metadata { get; init; }
    public VirtualMachineSpec? Spec { get; init; }
    public VirtualMachineStatus? Status { get; init; }
}

public sealed record VolumeBackup : ApiObject
{
    [ApiRequired]
    public PersistentVolumeClaimCopy? PersistentVolumeClaim { get; init; }
    [ApiRequired]
    public string? VolumeName { get; init; }
    public string? VolumeSnapshotName { get; init; }
}

/// <summary>The claim as it was when the snapshot was taken.</summary>
public sealed record PersistentVolumeClaimCopy : ApiObject
{
    public ObjectMeta? Metadata { get; init; }
    public PersistentVolumeClaimSpec? Spec { get; init; }
}

/// <summary>How far the snapshot of one volume is.</summary>
public sealed record VolumeSnapshotContentStatus : ApiObject
{
    [ApiNullable]
    public DateTimeOffset? CreationTime { get; init; }
    public SnapshotError? Error { get; init; }
    public bool? ReadyToUse { get; init; }
    [ApiRequired]
    public string? VolumeSnapshotName { get; init; }
}
