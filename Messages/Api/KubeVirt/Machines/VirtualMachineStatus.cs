using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record VirtualMachineStatus : ApiObject
{
    [ApiNullable]
    public ChangedBlockTrackingStatus? ChangedBlockTracking { get; init; }
    public IReadOnlyList<Condition>? Conditions { get; init; }
    /// <summary>A VirtualMachineInstance exists.</summary>
    public bool? Created { get; init; }
    /// <summary>The generation of the spec that the controller last saw.</summary>
    public long? DesiredGeneration { get; init; }
    [ApiNullable]
    public InstancetypeStatusRef? InstancetypeRef { get; init; }
    [ApiNullable]
    public VirtualMachineMemoryDumpRequest? MemoryDumpRequest { get; init; }
    /// <summary>The generation of the spec that the running instance was made from.</summary>
    public long? ObservedGeneration { get; init; }
    [ApiNullable]
    public InstancetypeStatusRef? PreferenceRef { get; init; }
    /// <summary>One word for people: Stopped, Starting, Running, CrashLoopBackOff and so on.</summary>
    [ApiDefault("\"Stopped\"")]
    public string? PrintableStatus { get; init; }
    /// <summary>The instance is running and ready.</summary>
    public bool? Ready { get; init; }
    public string? RestoreInProgress { get; init; }
    /// <summary>The strategy that the controller last acted on.</summary>
    public string? RunStrategy { get; init; }
    public string? SnapshotInProgress { get; init; }
    /// <summary>Kept while the machine fails to come up, so that the retries get rarer.</summary>
    [ApiNullable]
    public VirtualMachineStartFailure? StartFailure { get; init; }
    /// <summary>Starts and stops that were asked for and not yet carried out; only the first is looked at.</summary>
    public IReadOnlyList<VirtualMachineStateChangeRequest>? StateChangeRequests { get; init; }
    /// <summary>Volumes to be plugged or unplugged, as the addvolume and removevolume subresources ask.</summary>
    [ListType("atomic")]
    public IReadOnlyList<VirtualMachineVolumeRequest>? VolumeRequests { get; init; }
    public IReadOnlyList<VolumeSnapshotStatus>? VolumeSnapshotStatuses { get; init; }
    public VolumeUpdateState? VolumeUpdateState { get; init; }
}

public sealed record InstancetypeStatusRef : ApiObject
{
    public ControllerRevisionRef? ControllerRevisionRef { get; init; }
    public string? InferFromVolume { get; init; }
    public string? InferFromVolumeFailurePolicy { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
}

public sealed record ControllerRevisionRef : ApiObject
{
    public string? Name { get; init; }
}

public sealed record VirtualMachineStartFailure : ApiObject
{
    [ApiFormat("")]
    public int? ConsecutiveFailCount { get; init; }
    public string? LastFailedVMIUID { get; init; }
    /// <summary>No start before this time.</summary>
    public DateTimeOffset? RetryAfterTimestamp { get; init; }
}

public sealed record VirtualMachineStateChangeRequest : ApiObject
{
    /// <summary>Start or Stop.</summary>
    [ApiRequired]
    public string? Action { get; init; }
    /// <summary>Details such as paused=true of a start.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; init; }
    /// <summary>The instance that a stop is meant for; another one is left alone.</summary>
    public string? Uid { get; init; }
}

/// <summary>A dump of the guest's memory into a PVC, and how far it is.</summary>
public sealed record VirtualMachineMemoryDumpRequest : ApiObject
{
    [ApiRequired]
    public string? ClaimName { get; init; }
    public DateTimeOffset? EndTimestamp { get; init; }
    public string? FileName { get; init; }
    public string? Message { get; init; }
    [ApiRequired]
    public string? Phase { get; init; }
    public bool? Remove { get; init; }
    public DateTimeOffset? StartTimestamp { get; init; }
}

public sealed record VirtualMachineVolumeRequest : ApiObject
{
    public AddVolumeOptions? AddVolumeOptions { get; init; }
    public RemoveVolumeOptions? RemoveVolumeOptions { get; init; }
}

public sealed record VolumeSnapshotStatus : ApiObject
{
    [ApiRequired]
    public bool? Enabled { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? Reason { get; init; }
}

public sealed record VolumeUpdateState : ApiObject
{
    public VolumeMigrationState? VolumeMigrationState { get; init; }
}

public sealed record VolumeMigrationState : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<StorageMigratedVolumeInfo>? MigratedVolumes { get; init; }
}
