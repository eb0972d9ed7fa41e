using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record ChangedBlockTrackingStatus : ApiObject
{
    [ApiNullable]
    public VirtualMachineInstanceBackupStatus? BackupStatus { get; init; }
    [ApiRequired]
    public string? State { get; init; }
}

public sealed record VirtualMachineInstanceBackupStatus : ApiObject
{
    public string? BackupMsg { get; init; }
    public string? BackupName { get; init; }
    public string? CheckpointName { get; init; }
    public bool? Completed { get; init; }
    public DateTimeOffset? EndTimestamp { get; init; }
    public bool? Failed { get; init; }
    public string? QuiesceStatus { get; init; }
    public DateTimeOffset? StartTimestamp { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VirtualMachineInstanceBackupVolumeInfo>? Volumes { get; init; }
}

public sealed record DomainMemoryDumpInfo : ApiObject
{
    public string? ClaimName { get; init; }
    public DateTimeOffset? EndTimestamp { get; init; }
    public DateTimeOffset? StartTimestamp { get; init; }
    public string? TargetFileName { get; init; }
}

public sealed record VirtualMachineInstanceBackupVolumeInfo : ApiObject
{
    [ApiRequired]
    public string? VolumeName { get; init; }
}
