using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record DomainSpec : ApiObject
{
    public Chassis? Chassis { get; init; }
    [PreserveUnknownFields]
    public Clock? Clock { get; init; }
    public CPU? Cpu { get; init; }
    [ApiRequired]
    public Devices? Devices { get; init; }
    public Features? Features { get; init; }
    public Firmware? Firmware { get; init; }
    public DiskIOThreads? IoThreads { get; init; }
    public string? IoThreadsPolicy { get; init; }
    public LaunchSecurity? LaunchSecurity { get; init; }
    public Machine? Machine { get; init; }
    public Memory? Memory { get; init; }
    [ApiEnum("Reboot", "Terminate")]
    public string? RebootPolicy { get; init; }
    public ResourceRequirements? Resources { get; init; }
}

public sealed record Machine : ApiObject
{
    public string? Type { get; init; }
}

public sealed record Devices : ApiObject
{
    public bool? AutoattachGraphicsDevice { get; init; }
    public bool? AutoattachInputDevice { get; init; }
    public bool? AutoattachMemBalloon { get; init; }
    public bool? AutoattachPodInterface { get; init; }
    public bool? AutoattachSerialConsole { get; init; }
    public bool? AutoattachVSOCK { get; init; }
    public bool? BlockMultiQueue { get; init; }
    public ClientPassthroughDevices? ClientPassthrough { get; init; }
    public bool? DisableHotplug { get; init; }
    [ApiMaxItems(256)]
    public IReadOnlyList<Disk>? Disks { get; init; }
    public DownwardMetrics? DownwardMetrics { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<Filesystem>? Filesystems { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<GPU>? Gpus { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<HostDevice>? HostDevices { get; init; }
    public IReadOnlyList<Input>? Inputs { get; init; }
    [ApiMaxItems(256)]
    public IReadOnlyList<Interface>? Interfaces { get; init; }
    public bool? LogSerialConsole { get; init; }
    public bool? NetworkInterfaceMultiqueue { get; init; }
    public IReadOnlyList<PanicDevice>? PanicDevices { get; init; }
    public Rng? Rng { get; init; }
    public SoundDevice? Sound { get; init; }
    public TPMDevice? Tpm { get; init; }
    public bool? UseVirtioTransitional { get; init; }
    public VideoDevice? Video { get; init; }
    public Watchdog? Watchdog { get; init; }
}

public sealed record DownwardMetrics : ApiObject;

public sealed record Filesystem : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public FilesystemVirtiofs? Virtiofs { get; init; }
}

public sealed record Input : ApiObject
{
    public string? Bus { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}

public sealed record Rng : ApiObject;

public sealed record SoundDevice : ApiObject
{
    public string? Model { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record TPMDevice : ApiObject
{
    public bool? Enabled { get; init; }
    public bool? Persistent { get; init; }
}

public sealed record VideoDevice : ApiObject
{
    public string? Type { get; init; }
}

public sealed record FilesystemVirtiofs : ApiObject;
