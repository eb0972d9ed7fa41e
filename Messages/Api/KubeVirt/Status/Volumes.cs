using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record KernelBootStatus : ApiObject
{
    public InitrdInfo? InitrdInfo { get; init; }
    public KernelInfo? KernelInfo { get; init; }
}

public sealed record VolumeStatus : ApiObject
{
    public ContainerDiskInfo? ContainerDiskVolume { get; init; }
    public HotplugVolumeStatus? HotplugVolume { get; init; }
    public DomainMemoryDumpInfo? MemoryDumpVolume { get; init; }
    public string? Message { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public PersistentVolumeClaimInfo? PersistentVolumeClaimInfo { get; init; }
    public string? Phase { get; init; }
    public string? Reason { get; init; }
    public long? Size { get; init; }
    [ApiRequired]
    public string? Target { get; init; }
}

public sealed record InitrdInfo : ApiObject
{
    [ApiMinimum(0)]
    [ApiMaximum(4294967295)]
    public long? Checksum { get; init; }
}

public sealed record KernelInfo : ApiObject
{
    [ApiMinimum(0)]
    [ApiMaximum(4294967295)]
    public long? Checksum { get; init; }
}

public sealed record PersistentVolumeClaimInfo : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? AccessModes { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Capacity { get; init; }
    public string? ClaimName { get; init; }
    [ApiPattern(@"^(0(?:\.\d{1,3})?|1)$")]
    public string? FilesystemOverhead { get; init; }
    public bool? Preallocated { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Requests { get; init; }
    public string? VolumeMode { get; init; }
}

public sealed record ContainerDiskInfo : ApiObject
{
    [ApiMinimum(0)]
    [ApiMaximum(4294967295)]
    public long? Checksum { get; init; }
}

public sealed record HotplugVolumeStatus : ApiObject
{
    public string? AttachPodName { get; init; }
    public string? AttachPodUID { get; init; }
}
