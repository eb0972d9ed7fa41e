using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record StorageMigratedVolumeInfo : ApiObject
{
    public PersistentVolumeClaimInfo? DestinationPVCInfo { get; init; }
    public PersistentVolumeClaimInfo? SourcePVCInfo { get; init; }
    [ApiRequired]
    public string? VolumeName { get; init; }
}

public sealed record VirtualMachineInstanceMigrationState : ApiObject
{
    public bool? AbortRequested { get; init; }
    public string? AbortStatus { get; init; }
    public bool? Completed { get; init; }
    [ApiNullable]
    public DateTimeOffset? EndTimestamp { get; init; }
    public bool? Failed { get; init; }
    public string? FailureReason { get; init; }
    public VMIMConfigurationOptions? MigrationConfiguration { get; init; }
    public string? MigrationNetworkType { get; init; }
    public string? MigrationPolicyName { get; init; }
    public string? MigrationUid { get; init; }
    public string? Mode { get; init; }
    public string? SourceNode { get; init; }
    public string? SourcePersistentStatePVCName { get; init; }
    public string? SourcePod { get; init; }
    public VirtualMachineInstanceMigrationSourceState? SourceState { get; init; }
    [ApiNullable]
    public DateTimeOffset? StartTimestamp { get; init; }
    public string? TargetAttachmentPodUID { get; init; }
    [ListType("atomic")]
    [ApiFormat("")]
    public IReadOnlyList<int>? TargetCPUSet { get; init; }
    [ApiFormat("")]
    public IReadOnlyDictionary<string, int>? TargetDirectMigrationNodePorts { get; init; }
    public Quantity? TargetMemoryOverhead { get; init; }
    public string? TargetNode { get; init; }
    public string? TargetNodeAddress { get; init; }
    public bool? TargetNodeDomainDetected { get; init; }
    public DateTimeOffset? TargetNodeDomainReadyTimestamp { get; init; }
    public string? TargetNodeTopology { get; init; }
    public string? TargetPersistentStatePVCName { get; init; }
    public string? TargetPod { get; init; }
    public VirtualMachineInstanceMigrationTargetState? TargetState { get; init; }
}

public sealed record VMIMConfigurationOptions : ApiObject
{
    public bool? AllowAutoConverge { get; init; }
    public bool? AllowPostCopy { get; init; }
    public bool? AllowWorkloadDisruption { get; init; }
    public Quantity? BandwidthPerMigration { get; init; }
    public long? CompletionTimeoutPerGiB { get; init; }
    public bool? DisableTLS { get; init; }
    public ExperimentalMigrationOptions? Experimental { get; init; }
    public bool? MatchSELinuxLevelOnMigration { get; init; }
    [ApiMinimum(1)]
    [ApiMaximum(2000000)]
    [JsonConverter(typeof(UnsignedLongConverter))]
    public long? MaxDowntimeMs { get; init; }
    public string? Network { get; init; }
    public string? NodeDrainTaintKey { get; init; }
    [ApiFormat("int32")]
    public long? ParallelMigrationsPerCluster { get; init; }
    [ApiFormat("int32")]
    public long? ParallelOutboundMigrationsPerNode { get; init; }
    public long? ProgressTimeout { get; init; }
    public bool? UnsafeMigrationOverride { get; init; }
    public long? UtilityVolumesTimeout { get; init; }
}

public sealed record VirtualMachineInstanceMigrationSourceState : ApiObject
{
    public string? DomainName { get; init; }
    public string? DomainNamespace { get; init; }
    public string? MigrationUID { get; init; }
    public string? Node { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelectors { get; init; }
    public string? PersistentStatePVCName { get; init; }
    public string? Pod { get; init; }
    public string? SelinuxContext { get; init; }
    public string? SyncAddress { get; init; }
    public string? VirtualMachineInstanceUID { get; init; }
}

public sealed record VirtualMachineInstanceMigrationTargetState : ApiObject
{
    public string? AttachmentPodUID { get; init; }
    [ListType("atomic")]
    [ApiFormat("")]
    public IReadOnlyList<int>? CpuSet { get; init; }
    [ApiFormat("")]
    public IReadOnlyDictionary<string, int>? DirectMigrationNodePorts { get; init; }
    public bool? DomainDetected { get; init; }
    public string? DomainName { get; init; }
    public string? DomainNamespace { get; init; }
    public DateTimeOffset? DomainReadyTimestamp { get; init; }
    public string? MigrationUID { get; init; }
    public string? Node { get; init; }
    public string? NodeAddress { get; init; }
    public string? NodeTopology { get; init; }
    public string? PersistentStatePVCName { get; init; }
    public string? Pod { get; init; }
    public string? SelinuxContext { get; init; }
    public string? SyncAddress { get; init; }
    public string? VirtualMachineInstanceUID { get; init; }
}

public sealed record ExperimentalMigrationOptions : ApiObject
{
    [ApiEnum("none", "zstd")]
    public string? Compression { get; init; }
    public DowntimeTuningOptions? DowntimeTuning { get; init; }
    public StallDetectorOptions? StallDetector { get; init; }
}

public sealed record DowntimeTuningOptions : ApiObject
{
    [ApiMinimum(1)]
    public int? CooldownSeconds { get; init; }
    [ApiMinimum(1)]
    public long? InitialMs { get; init; }
    [ApiMinimum(1)]
    public long? StartAfterIteration { get; init; }
    [ApiMinimum(1)]
    public int? Steps { get; init; }
}

public sealed record StallDetectorOptions : ApiObject
{
    public Quantity? CompletionTimeoutFactor { get; init; }
    public Quantity? EwmaAlpha { get; init; }
    public Quantity? PatienceWindowDecayFactor { get; init; }
    public Quantity? PrecopyPossibleFactor { get; init; }
    public bool? SearchLocalMinima { get; init; }
    [ApiMinimum(0)]
    [ApiMaximum(100)]
    public long? StallMargin { get; init; }
    [ApiMinimum(0)]
    public long? StallProgressTimeout { get; init; }
    [ApiMinimum(0)]
    public long? SwitchoverTimeout { get; init; }
}
