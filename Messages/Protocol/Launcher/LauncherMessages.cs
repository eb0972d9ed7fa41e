using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>What the node agent sends to a launcher; each is answered by exactly one <see cref="LauncherReply"/>.</summary>
public interface ILauncherRequest : IWireMessage;

/// <summary>First message on a connection. The reply carries the current observation; from then on the launcher pushes <see cref="DomainChanged"/>.</summary>
/// <remarks>The launcher lets its daemon look at QEMU only after the first one, so that it need not find out what <see cref="Probes"/> tell.</remarks>
public sealed record LauncherHello(string AgentId, int ProtocolVersion) : ILauncherRequest
{
    /// <summary>What an earlier launcher on this node found out; null when there was none.</summary>
    public IReadOnlyList<EmulatorProbe>? Probes { get; init; }
}

/// <summary>
/// Define and start the domain under an epoch. Repeating it is harmless: a launcher whose domain already runs answers Ok.
/// A smaller epoch than the one granted before is refused with <see cref="LauncherError.StaleEpoch"/>.
/// </summary>
public sealed record LaunchDomain(long Epoch, VirtualMachineInstance Vmi, LaunchContext Context) : ILauncherRequest;

/// <summary>Press the power button (ACPI, or the guest agent where it is connected). May be repeated.</summary>
public sealed record ShutdownDomain(long Epoch) : ILauncherRequest;

/// <summary>End QEMU at once.</summary>
public sealed record DestroyDomain(long Epoch) : ILauncherRequest;

/// <summary>The domain is done with: end the launcher, and so the pod, with exit code 0.</summary>
public sealed record QuitLauncher(long Epoch) : ILauncherRequest;

public enum LauncherError
{
    None, StaleEpoch, InvalidSpec, LibvirtFailed, NoDomain, Unsupported,
    /// <summary>What was asked needs a guest agent, and none is connected.</summary>
    NoGuestAgent,
    /// <summary>The domain is not in the state that this needs: paused already, not paused.</summary>
    WrongState,
}

/// <param name="Message">The error in words; null when <paramref name="Error"/> is None.</param>
/// <param name="Result">Of an operation.</param>
public sealed record LauncherReply(LauncherError Error, string? Message, LauncherInfo Launcher, DomainObservation Domain, OperationResult? Result = null) : IWireMessage
{
    /// <summary>In the answer to <see cref="LaunchDomain"/>, when the daemon had to find out by itself: for the launchers that come after.</summary>
    public IReadOnlyList<EmulatorProbe>? Probes { get; init; }
}

public sealed record LauncherInfo(string VmiUid, int ProtocolVersion, string LibvirtVersion, string QemuVersion);

/// <summary>Pushed on every change of the domain, the agent or the guest's addresses.</summary>
public sealed record DomainChanged(DomainObservation Domain) : IWireMessage;

/// <summary>What the node agent prepared for the guest and the launcher cannot know by itself.</summary>
/// <param name="UseEmulation">TCG, because the node has no /dev/kvm.</param>
public sealed record LaunchContext(bool UseEmulation, IReadOnlyList<PreparedInterface> Interfaces)
{
    /// <summary>Name of the node, for a guest that is told of its host.</summary>
    public string? Node { get; init; }

    /// <summary>For <see cref="DomainObservation.Revision"/>.</summary>
    public string? Revision { get; init; }
}

/// <summary>A tap device in the pod's network namespace and the addresses its guest is to get by DHCP.</summary>
/// <param name="Name">The VMI interface's name.</param>
/// <param name="Tap">Device name of the tap, ready to be opened by QEMU.</param>
/// <param name="Bridge">The in-pod bridge on which DHCP is served.</param>
/// <param name="GuestAddress">CIDR for the guest, <c>10.0.2.2/24</c>; null where the network gives none, and DHCP is not served.</param>
/// <param name="Gateway">Null where there is none.</param>
/// <param name="PodAddresses">The pod's own addresses; what the VMI's status shows for masquerade.</param>
public sealed record PreparedInterface(
    string Name, string Tap, string Bridge, string Mac, int Mtu, string? GuestAddress, string? Gateway,
    IReadOnlyList<string> DnsServers, IReadOnlyList<string> SearchDomains, string? Hostname, IReadOnlyList<string> PodAddresses)
{
    /// <summary>What else the guest is to be told by DHCP.</summary>
    public DHCPOptions? DhcpOptions { get; init; }

    /// <summary>The guest has the pod's own place in the network, of which the in-pod bridge knows nothing.</summary>
    public bool IsBridged { get; init; }

    /// <summary>CIDR of a second address for the guest, told by DHCPv6; the bridge is its router.</summary>
    public string? GuestIpv6Address { get; init; }

    /// <summary>passt is the guest's network: there is neither tap nor bridge, and it answers DHCP by itself.</summary>
    public bool IsPasst { get; init; }

    /// <summary>The guest asks anew for its address after it has been moved.</summary>
    public bool RefreshesLink { get; init; }

    /// <summary>Routes that the default one does not cover, as DHCP's option 121 names them: <c>169.254.1.1/32,0.0.0.0</c>.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];
}

/// <summary>
/// Version of the messages in this folder. A launcher outlives upgrades of its agent, so an agent speaks every version
/// since the oldest launcher that may still run.
/// </summary>
public static class LauncherProtocol
{
    public const int Version = 1;

    /// <summary>Largest frame, in bytes; a VMI is at most the API server's 3 MiB.</summary>
    public const int MaxFrameBytes = 8 * 1024 * 1024;
}
