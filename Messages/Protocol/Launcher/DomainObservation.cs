using Troupe.Messages.Protocol.Migration;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>virDomainState, with <see cref="NoDomain"/> for "libvirt knows no such domain".</summary>
public enum DomainState { NoDomain, Running, Blocked, Paused, ShuttingDown, Shutoff, Crashed, PmSuspended }

/// <summary>Why the domain is in its state: the union of libvirt's per-state reasons that the control plane distinguishes.</summary>
public enum DomainReason
{
    Unknown, Booted, Migrated, Restored, Unpaused, Wakeup, User, IoError, Watchdog, Migration, PostcopyFailed, Starting,
    Shutdown, Destroyed, Crashed, Panicked, Saved, Failed, FromSnapshot,
}

/// <summary>
/// What a launcher sees of its domain: the latest state, not a delta. <see cref="Sequence"/> grows with every change within
/// one launcher process, so an older observation that arrives late is recognised.
/// </summary>
public sealed record DomainObservation
{
    /// <summary>The epoch under which the launcher was told to run the guest; 0 before the first grant.</summary>
    public long Epoch { get; init; }
    public long Sequence { get; init; }
    public DomainState State { get; init; }
    public DomainReason Reason { get; init; }
    /// <summary>Free text for people, such as QEMU's last words.</summary>
    public string? Message { get; init; }
    public DateTimeOffset At { get; init; }
    /// <summary>Resolved machine type (<c>pc-q35-7.2</c>).</summary>
    public string? Machine { get; init; }
    /// <summary>What runs the guest: whoever is to take it over must be able to do the same.</summary>
    public PlatformObservation? Platform { get; init; }
    public GuestAgentObservation? GuestAgent { get; init; }
    public IReadOnlyList<InterfaceObservation> Interfaces { get; init; } = [];
    public IReadOnlyList<VolumeObservation> Volumes { get; init; } = [];
    public MemoryObservation? Memory { get; init; }
    public CpuObservation? Cpus { get; init; }

    /// <summary>The state of the spec that was carried out last, by the name that the control plane gave it.</summary>
    public string? Revision { get; init; }

    /// <summary>Null when the spec names no credentials for the guest agent to set.</summary>
    public AccessCredentialsObservation? AccessCredentials { get; init; }

    /// <summary>The certificate (DER, base64) by which this launcher proves itself to another one; its key never leaves the process.</summary>
    public string? Certificate { get; init; }

    /// <summary>The dump to the claim that the spec names for it; null before and after that.</summary>
    public MemoryDumpObservation? MemoryDump { get; init; }

    /// <summary>This launcher's part in the latest migration that it was told of.</summary>
    public MigrationObservation? Migration { get; init; }
}

/// <param name="Type">libvirt's <c>kvm</c> or <c>qemu</c>.</param>
/// <param name="Machine">Resolved machine type (<c>pc-q35-7.2</c>).</param>
/// <param name="Cpu">The running domain's <c>&lt;cpu&gt;</c>, with every feature that the guest has seen.</param>
public sealed record PlatformObservation(string Type, string Machine, string QemuVersion, string LibvirtVersion, string? Cpu);

/// <param name="Version">Of qemu-guest-agent, as it reports itself.</param>
public sealed record GuestAgentObservation(bool Connected, string? Version = null, GuestOsObservation? Os = null)
{
    public string? Hostname { get; init; }

    /// <summary>Name and offset, <c>CET, 3600</c>.</summary>
    public string? Timezone { get; init; }

    /// <summary><c>frozen</c> or <c>thawed</c>.</summary>
    public string? FsFreezeStatus { get; init; }

    /// <summary>Commands that this agent has and is allowed to carry out.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];
    public IReadOnlyList<GuestUserObservation> Users { get; init; } = [];
    public IReadOnlyList<GuestFilesystemObservation> Filesystems { get; init; } = [];
}

/// <param name="LoginTime">Seconds since 1970.</param>
public sealed record GuestUserObservation(string UserName, string? Domain, long LoginTime);

/// <param name="DiskName">Name of the device in the guest, <c>vda1</c>.</param>
public sealed record GuestFilesystemObservation(string DiskName, string MountPoint, string Type, long UsedBytes, long TotalBytes, IReadOnlyList<GuestDiskObservation> Disks);

public sealed record GuestDiskObservation(string BusType, string? Serial);

public sealed record CpuObservation(long Sockets, long Cores, long Threads);

/// <param name="Message">What the agent said when it did not take them.</param>
public sealed record AccessCredentialsObservation(bool Synchronized, string? Message = null);

/// <summary>guest-get-osinfo.</summary>
public sealed record GuestOsObservation(
    string? Id, string? Name, string? PrettyName, string? Version, string? VersionId, string? KernelRelease, string? KernelVersion, string? Machine);

/// <param name="Name">The VMI interface's name; null for one that only the guest agent knows.</param>
/// <param name="InfoSource"><c>domain</c>, <c>guest-agent</c> or both separated by a comma, as KubeVirt writes it.</param>
public sealed record InterfaceObservation(
    string? Name, string? Mac, string? InterfaceName, IReadOnlyList<string> IpAddresses, string InfoSource, int QueueCount = 1);

/// <param name="Target">The disk's name in the domain (<c>vda</c>).</param>
/// <param name="SizeBytes">Virtual size.</param>
public sealed record VolumeObservation(string Name, string Target, long? SizeBytes = null);

/// <param name="Volume">Name of the volume.</param>
/// <param name="FileName">Of the file on it.</param>
/// <param name="EndedAt">Null while it is written.</param>
/// <param name="Error">Why there is no (whole) dump.</param>
public sealed record MemoryDumpObservation(string Volume, string FileName, DateTimeOffset StartedAt, DateTimeOffset? EndedAt = null, string? Error = null);

public sealed record MemoryObservation(long GuestAtBootBytes, long GuestCurrentBytes, long GuestRequestedBytes);
