using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record VirtualMachineInstanceStatus : ApiObject
{
    [JsonPropertyName("VSOCKCID")]
    [ApiMinimum(0)]
    [ApiMaximum(4294967295)]
    public long? VSOCKCID { get; init; }
    public IReadOnlyDictionary<string, string>? ActivePods { get; init; }
    [ApiNullable]
    public ChangedBlockTrackingStatus? ChangedBlockTracking { get; init; }
    public IReadOnlyList<VirtualMachineInstanceCondition>? Conditions { get; init; }
    public CPUTopology? CurrentCPUTopology { get; init; }
    public string? EvacuationNodeName { get; init; }
    public string? FsFreezeStatus { get; init; }
    public VirtualMachineInstanceGuestOSInfo? GuestOSInfo { get; init; }
    public IReadOnlyList<VirtualMachineInstanceNetworkInterface>? Interfaces { get; init; }
    public KernelBootStatus? KernelBootStatus { get; init; }
    public string? LauncherContainerImageVersion { get; init; }
    public Machine? Machine { get; init; }
    public MemoryStatus? Memory { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<StorageMigratedVolumeInfo>? MigratedVolumes { get; init; }
    public string? MigrationMethod { get; init; }
    public VirtualMachineInstanceMigrationState? MigrationState { get; init; }
    public string? MigrationTransport { get; init; }
    public string? NodeName { get; init; }
    public string? Phase { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VirtualMachineInstancePhaseTransitionTimestamp>? PhaseTransitionTimestamps { get; init; }
    public string? QosClass { get; init; }
    public string? Reason { get; init; }
    [JsonConverter(typeof(UnsignedLongConverter))]
    public long? RuntimeUser { get; init; }
    public string? SelinuxContext { get; init; }
    public TopologyHints? TopologyHints { get; init; }
    public string? VirtualMachineRevisionName { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VolumeStatus>? VolumeStatus { get; init; }
}

public sealed record MemoryStatus : ApiObject
{
    public Quantity? GuestAtBoot { get; init; }
    public Quantity? GuestCurrent { get; init; }
    public Quantity? GuestRequested { get; init; }
    public Quantity? MemoryOverhead { get; init; }
}

public sealed record TopologyHints : ApiObject
{
    public long? TscFrequency { get; init; }
}

public sealed record VirtualMachineInstanceCondition : ApiObject
{
    [ApiNullable]
    public DateTimeOffset? LastProbeTime { get; init; }
    [ApiNullable]
    public DateTimeOffset? LastTransitionTime { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    [ApiRequired]
    public string? Status { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}

public sealed record VirtualMachineInstanceGuestOSInfo : ApiObject
{
    public string? Id { get; init; }
    public string? KernelRelease { get; init; }
    public string? KernelVersion { get; init; }
    public string? Machine { get; init; }
    public string? Name { get; init; }
    public string? PrettyName { get; init; }
    public string? Version { get; init; }
    public string? VersionId { get; init; }
}

public sealed record VirtualMachineInstanceNetworkInterface : ApiObject
{
    public string? InfoSource { get; init; }
    public string? InterfaceName { get; init; }
    public string? IpAddress { get; init; }
    public IReadOnlyList<string>? IpAddresses { get; init; }
    public string? LinkState { get; init; }
    public string? Mac { get; init; }
    public string? Name { get; init; }
    public string? PodInterfaceName { get; init; }
    public int? QueueCount { get; init; }
}

public sealed record VirtualMachineInstancePhaseTransitionTimestamp : ApiObject
{
    public string? Phase { get; init; }
    public DateTimeOffset? PhaseTransitionTimestamp { get; init; }
}
