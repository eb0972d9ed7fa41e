using System.Net;
using System.Security.Cryptography;
using System.Text;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.NodeActors.Networking;

/// <summary>What the masquerade binding makes in a pod's network namespace, as text: a bridge with the gateway, a tap for QEMU, and NAT.</summary>
/// <param name="PodLink">The pod's own device.</param>
/// <param name="Guest">The one address behind the NAT.</param>
/// <param name="IsMultiQueue">QEMU opens the tap once for each of its queues.</param>
public sealed record MasqueradeScript(string PodLink, string Bridge, string Tap, int Mtu, IPAddress Guest, IPAddress Gateway, int Prefix, IReadOnlyList<string> Ports, bool IsMultiQueue = false)
{
    /// <summary>Addresses under which a migrated guest's open sessions know it.</summary>
    public IReadOnlyList<string> Kept { get; init; } = [];

    /// <summary>The guest's second network, where the pod has an IPv6 address.</summary>
    public Ipv6Network? Ipv6 { get; init; }

    public sealed record Ipv6Network(IPAddress Guest, IPAddress Gateway, int Prefix);

    /// <summary>KubeVirt's defaults of `networks[].pod.vmNetworkCIDR` and `vmIPv6NetworkCIDR`.</summary>
    public const string DefaultNetwork = "10.0.2.0/24";
    public const string DefaultIpv6Network = "fd10:0:2::/120";

    /// <summary>KubeVirt puts this address on every bridge, so that a migrated guest finds its gateway again.</summary>
    private const string BridgeMac = "02:00:00:00:00:00";

    /// <param name="hasIpv6">The pod has such an address.</param>
    /// <exception cref="FormatException">A CIDR is no network with room for two hosts.</exception>
    public static MasqueradeScript Of(Interface nic, PodNetwork network, string podLink, int mtu, bool isMultiQueue = false, bool hasIpv6 = false)
    {
        var cidr = network.VmNetworkCIDR is { Length: > 0 } set ? set : DefaultNetwork;
        if (!IPNetwork.TryParse(cidr, out var range) || range.BaseAddress.AddressFamily is not System.Net.Sockets.AddressFamily.InterNetwork || range.PrefixLength > 30)
            throw new FormatException($"spec.networks: vmNetworkCIDR '{cidr}' is not an IPv4 network with room for a gateway and a guest");
        return new MasqueradeScript(podLink, $"k6t-{podLink}", "tap0", mtu, Host(range, 2), Host(range, 1), range.PrefixLength, PortsOf(nic), isMultiQueue) { Ipv6 = hasIpv6 ? Ipv6Of(network) : null };
    }

    private static Ipv6Network Ipv6Of(PodNetwork network)
    {
        var cidr = network.VmIPv6NetworkCIDR is { Length: > 0 } set ? set : DefaultIpv6Network;
        return IPNetwork.TryParse(cidr, out var range) && range.BaseAddress.AddressFamily is System.Net.Sockets.AddressFamily.InterNetworkV6 && range.PrefixLength <= 126
            ? new Ipv6Network(Host(range, 2), Host(range, 1), range.PrefixLength)
            : throw new FormatException($"spec.networks: vmIPv6NetworkCIDR '{cidr}' is not an IPv6 network with room for a gateway and a guest");
    }

    /// <summary>For `sh -e`, inside of the namespace. Run again it changes nothing, and what a run that was cut short has left is made anew.</summary>
    public string Text => $"""
        if ! ip link show dev {Tap} >/dev/null 2>&1; then
        ip link delete dev {Bridge} 2>/dev/null || true
        ip -batch - <<'END'
        link add {Bridge} type bridge forward_delay 0 stp_state 0
        link set dev {Bridge} address {BridgeMac} mtu {Mtu} up
        address add {Gateway}/{Prefix} dev {Bridge}
        tuntap add dev {Tap} mode tap vnet_hdr{(IsMultiQueue ? " multi_queue" : "")}
        END
        fi
        ip link set dev {Tap} mtu {Mtu} master {Bridge} up
        echo 1 >/proc/sys/net/ipv4/ip_forward
        {Forwarding6}
        nft -f - <<'END'
        {Table("ip", Guest)}
        {(Ipv6 is { } v6 ? Table("ip6", v6.Guest) : "")}
        END
        """;

    /// <summary>Nobody else can have the gateway's address: the bridge need not ask first.</summary>
    private string Forwarding6 => Ipv6 is not { } v6 ? "" : $"""
        echo 0 >/proc/sys/net/ipv6/conf/{Bridge}/disable_ipv6
        ip -6 address replace {v6.Gateway}/{v6.Prefix} dev {Bridge} nodad
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        """;

    private string Table(string family, IPAddress guest) => $"""
        table {family} troupe-{PodLink} {"{}"}
        delete table {family} troupe-{PodLink}
        table {family} troupe-{PodLink} {"{"}
          chain prerouting {"{"}
            type nat hook prerouting priority dstnat;
            iifname "{PodLink}" tcp dport {MigrationProtocol.Port} accept
        {Inbound(guest)}
          {"}"}
          chain postrouting {"{"}
            type nat hook postrouting priority srcnat;
        {Resumed(family, guest)}
            {family} saddr {guest} oifname != "{Bridge}" masquerade
          {"}"}
        {"}"}
        """;

    /// <summary>A unicast, locally administered address that is the same after every restart and migration.</summary>
    public static string MacFor(string vmiUid, string name)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{vmiUid}/{name}"));
        return $"02:{Convert.ToHexStringLower(hash, 0, 1)}:{Convert.ToHexStringLower(hash, 1, 1)}:{Convert.ToHexStringLower(hash, 2, 1)}:{Convert.ToHexStringLower(hash, 3, 1)}:{Convert.ToHexStringLower(hash, 4, 1)}";
    }

    /// <summary>
    /// A session that was opened in another pod is known to its peer by that pod's address; as a rule the launchers hand over what they know of it. Where they could
    /// not, its next packet may come from the guest: with one such address it can only be that; with more, only the peer's packet tells, and the guest's waits for it (TCP sends again).
    /// </summary>
    private string Resumed(string family, IPAddress guest) => Kept.Where(k => IPAddress.TryParse(k, out var address) && address.AddressFamily == guest.AddressFamily).ToList() switch
    {
        [] => "",
        [var only] => $"    {family} saddr {guest} oifname != \"{Bridge}\" tcp flags & (syn | rst) == 0 snat to {only}",
        _ => $"    {family} saddr {guest} oifname != \"{Bridge}\" tcp flags & (syn | rst) == 0 drop",
    };

    /// <summary>All traffic goes to the guest, or only what its `ports` and `portRanges` name.</summary>
    private string Inbound(IPAddress guest) => Ports.Count == 0
        ? $"    iifname \"{PodLink}\" dnat to {guest}"
        : string.Join('\n', Ports.Select(p => $"    iifname \"{PodLink}\" {p} dnat to {guest}"));

    /// <summary>nftables matches: <c>tcp dport 80</c>, <c>udp dport 5000-5010</c>.</summary>
    private static List<string> PortsOf(Interface nic) =>
    [
        .. (nic.Ports ?? []).Select(p => $"{Protocol(p.Protocol)} dport {Number(p.PortValue)}"),
        .. (nic.PortRanges ?? []).Select(r => $"{Protocol(r.Protocol)} dport {Number(r.Start)}-{Number(r.End)}"),
    ];

    private static string Protocol(string? name) => name switch
    {
        null or "" or "TCP" => "tcp",
        "UDP" => "udp",
        _ => throw new FormatException($"spec.domain.devices.interfaces: protocol '{name}' of a port is neither TCP nor UDP"),
    };

    private static int Number(int? port) => port is > 0 and < 65536
        ? port.Value
        : throw new FormatException($"spec.domain.devices.interfaces: {port} is not a port");

    private static IPAddress Host(IPNetwork network, byte number)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        bytes[^1] += number;
        return new IPAddress(bytes);
    }
}
