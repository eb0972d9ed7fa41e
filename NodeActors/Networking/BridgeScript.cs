using System.Globalization;
using System.Text.Json;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.NodeActors.Networking;

/// <summary>
/// What the bridge binding makes in a pod's network namespace, as text: the pod's device and QEMU's tap become ports of one bridge, and the
/// guest takes over the device's MAC and address. A device without ports keeps name and address for whoever looks for the pod's.
/// </summary>
/// <param name="Name">The pod's own device.</param>
/// <param name="Link">What it had.</param>
/// <param name="Index">Tells this bridge's address from the others'.</param>
public sealed record BridgeScript(string Name, PodLink Link, int Mtu, int Index, bool IsMultiQueue = false)
{
    private const string Prefix = "pod";
    private const string BridgePrefix = "k6t-";

    /// <summary>DHCP is served from such an address; link-local, as KubeVirt's.</summary>
    private const string AddressPrefix = "169.254.75.1";

    public string Bridge => BridgeOf(Name);

    public string Tap => TapOf(Name);

    private static string BridgeOf(string name) => $"{BridgePrefix}{Suffix(name)}";

    public static string TapOf(string name) => name == PodInterfaces.Primary ? "tap0" : $"tap{Suffix(name)}";

    /// <summary>All that stands for a pod's device on a secondary network once it has been bridged, the device itself included.</summary>
    public static IReadOnlyList<string> Made(string name) => [TapOf(name), BridgeOf(name), MovedName(name), name];

    /// <summary>The pod's device of which this is the bridge; null when it is none.</summary>
    public static string? DeviceOf(string bridge) => bridge.StartsWith(BridgePrefix, StringComparison.Ordinal) ? Prefix + bridge[BridgePrefix.Length..] : null;

    /// <summary>For <see cref="Index"/>: the bridge keeps its number, and a new one gets its own, however many interfaces have come and gone.</summary>
    /// <param name="links">Of <c>ip -j address show</c>, by name.</param>
    /// <param name="wanted">The interface's place among the guest's.</param>
    public static int FreeIndex(IReadOnlyDictionary<string, JsonElement> links, string name, int wanted)
    {
        if (links.TryGetValue(BridgeOf(name), out var bridge) && Indices(bridge).ToList() is [var kept, ..])
            return kept;
        var taken = links.Values.SelectMany(Indices).ToHashSet();
        return Enumerable.Range(wanted, taken.Count + 1).First(i => !taken.Contains(i));
    }

    private static IEnumerable<int> Indices(JsonElement link) => link.TryGetProperty("addr_info", out var addresses)
        ? addresses.EnumerateArray().Select(a => a.TryGetProperty("local", out var local) ? local.GetString() : null).OfType<string>()
            .Where(a => a.StartsWith(AddressPrefix, StringComparison.Ordinal)).Select(a => int.TryParse(a.AsSpan(AddressPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1).Where(i => i >= 0)
        : [];

    /// <summary>How a device is called after it has become the bridge's port.</summary>
    public static string MovedName(string name) => $"{Suffix(name)}-nic";

    private string Moved => MovedName(Name);

    private static string Suffix(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    private string BridgeAddress => $"{AddressPrefix}{Index}";

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
