using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record VirtualMachineInstanceGuestAgentInfo : ApiObject
{
    public string? ApiVersion { get; init; }
    public string? FsFreezeStatus { get; init; }
    public VirtualMachineInstanceFileSystemInfo? FsInfo { get; init; }
    public string? GuestAgentVersion { get; init; }
    public string? Hostname { get; init; }
    public string? Kind { get; init; }
    public VirtualMachineInstanceGuestOSInfo? Os { get; init; }
    public IReadOnlyList<GuestAgentCommandInfo>? SupportedCommands { get; init; }
    public string? Timezone { get; init; }
    public IReadOnlyList<VirtualMachineInstanceGuestOSUser>? UserList { get; init; }
}

public sealed record GuestAgentCommandInfo : ApiObject
{
    public bool? Enabled { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record VirtualMachineInstanceGuestOSUser : ApiObject
{
    public string? Domain { get; init; }
    public double? LoginTime { get; init; }
    [ApiRequired]
    public string? UserName { get; init; }
}

public sealed record VirtualMachineInstanceFileSystemInfo : ApiObject
{
    [ApiRequired]
    public IReadOnlyList<VirtualMachineInstanceFileSystem>? Disks { get; init; }
}

public sealed record VirtualMachineInstanceFileSystem : ApiObject
{
    public IReadOnlyList<VirtualMachineInstanceFileSystemDisk>? Disk { get; init; }
    [ApiRequired]
    public string? DiskName { get; init; }
    [ApiRequired]
    public string? FileSystemType { get; init; }
    [ApiRequired]
    public string? MountPoint { get; init; }
    [ApiRequired]
    public int? TotalBytes { get; init; }
    [ApiRequired]
    public int? UsedBytes { get; init; }
}

public sealed record VirtualMachineInstanceFileSystemDisk : ApiObject
{
    [ApiRequired]
    public string? BusType { get; init; }
    public string? Serial { get; init; }
}
