using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Snapshot;

/// <summary>The wish to bring a machine back to a snapshot.</summary>
public sealed record VirtualMachineRestore : KubeObject
{
    [ApiRequired]
    public VirtualMachineRestoreSpec? Spec { get; init; }
    public VirtualMachineRestoreStatus? Status { get; init; }
}

public sealed record VirtualMachineRestoreSpec : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? Patches { get; init; }
    [ApiRequired]
    public TypedLocalObjectReference? Target { get; init; }
    /// <summary>What happens when the target still runs.</summary>
    [ApiEnum("StopTarget", "WaitGracePeriod", "FailImmediate", "WaitEventually")]
    [ApiDefault("\"WaitGracePeriod\"")]
    public string? TargetReadinessPolicy { get; init; }
    [ApiRequired]
    public string? VirtualMachineSnapshotName { get; init; }
    public string? VolumeOwnershipPolicy { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VolumeRestoreOverride>? VolumeRestoreOverrides { get; init; }
    public string? VolumeRestorePolicy { get; init; }
}

public sealed record VirtualMachineRestoreStatus : ApiObject
{
    public bool? Complete { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<Condition>? Conditions { get; init; }
    [ListType("set")]
    public IReadOnlyList<string>? DeletedDataVolumes { get; init; }
    public DateTimeOffset? RestoreTime { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VolumeRestore>? Restores { get; init; }
}

public sealed record VolumeRestore : ApiObject
{
    public string? DataVolumeName { get; init; }
    [ApiRequired]
    public string? PersistentVolumeClaim { get; init; }
    [ApiRequired]
    public string? VolumeName { get; init; }
    [ApiRequired]
    public string? VolumeSnapshotName { get; init; }
}

public sealed record VolumeRestoreOverride : ApiObject
{
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    public string? RestoreName { get; init; }
    public string? VolumeName { get; init; }
}
