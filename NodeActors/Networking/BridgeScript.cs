using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.NodeActors.Networking;

/// <summary>
/// What the bridge binding makes in a pod's network namespace, as text: the pod's device and QEMU's tap become ports of one bridge, and the
/// guest takes over the device's MAC and address. A device without ports keeps name and address for whoever looks for the pod's.
/// </summary>
/// <param name="Name">The pod's own device.</param>
/// <param name="Link">What it had.</param>
/// <param name="Index">Of the interface among the guest's.</param>
public sealed record BridgeScript(string Name, PodLink Link, int Mtu, int Index, bool IsMultiQueue = false)
{
    private const string Prefix = "pod";

    public string Bridge => $"k6t-{Suffix(Name)}";

    public string Tap => Name == PodInterfaces.Primary ? "tap0" : $"tap{Suffix(Name)}";

    /// <summary>How a device is called after it has become the bridge's port.</summary>
    public static string MovedName(string name) => $"{Suffix(name)}-nic";

    private string Moved => MovedName(Name);

    private static string Suffix(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    /// <summary>DHCP is served from it; link-local, as KubeVirt's.</summary>
    private string BridgeAddress => $"169.254.75.1{Index}";

    /// <summary>The guest has the device's own.</summary>
    private string PortMac => MasqueradeScript.MacFor(Link.Mac, Name);

    /// <summary>For `sh -e`, inside of the namespace. Run again it changes nothing, and what a run that was cut short has left is completed.</summary>
    /// <remarks>What bears the old name is a bridge and no dummy, since bridges are there in any case. It stays down: an address that is up would be the pod's own, and never the guest's.</remarks>
    public string Text => $"""
        has() {"{"} ip link show dev "$1" >/dev/null 2>&1; {"}"}
        if ! has {Moved}; then
        ip link set dev {Name} alias '{Link.Alias}'
        ip link set dev {Name} down
        ip link set dev {Name} name {Moved}
        fi
        has {Bridge} || ip link add {Bridge} type bridge forward_delay 0 stp_state 0
        has {Tap} || ip tuntap add dev {Tap} mode tap vnet_hdr{(IsMultiQueue ? " multi_queue" : "")}
        has {Name} || ip link add {Name} type bridge
        ip -batch - <<'END'
        address flush dev {Moved}
        link set dev {Moved} address {PortMac} master {Bridge}
        link set dev {Moved} type bridge_slave learning off
        link set dev {Moved} up
        link set dev {Bridge} mtu {Mtu} up
        address replace {BridgeAddress}/32 dev {Bridge}
        link set dev {Tap} mtu {Mtu} master {Bridge} up
        link set dev {Name} address {Link.Mac} mtu {Mtu} down
        {(Link.Address is { } address ? $"address replace {address} dev {Name}" : "")}
        END
        echo 1 >/proc/sys/net/ipv4/conf/{Bridge}/arp_ignore
        """;
}
