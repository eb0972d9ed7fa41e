using System.Text.Json;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Networking;

/// <summary>The spec asks for a network that this agent cannot make; no retry helps.</summary>
public sealed class UnsupportedNetworkException(string message) : Exception(message);

/// <summary>What the control plane says of a guest's pod.</summary>
/// <param name="Addresses">The pod's own.</param>
/// <param name="Kept">Addresses of the pods that a migrated guest has run in before; its open sessions know it by them.</param>
/// <param name="Bindings">The binding plugins of the guest's interfaces, by name.</param>
public sealed record PodFacts(IReadOnlyList<string> Addresses, IReadOnlyList<string> Kept, IReadOnlyDictionary<string, InterfaceBindingPlugin>? Bindings = null);

/// <summary>Makes what a guest's interfaces need in its pod's network namespace.</summary>
public interface IPodNetworking
{
    /// <param name="launcherPid">A process inside of the pod.</param>
    /// <exception cref="UnsupportedNetworkException"/>
    /// <exception cref="IOException">A command failed; worth another try.</exception>
    Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, PodFacts pod, CancellationToken ct);

    /// <summary>Removes what was made for secondary networks that the spec does not name any more: the guest has let go of them.</summary>
    /// <exception cref="IOException">A command failed; worth another try.</exception>
    Task TidyAsync(int launcherPid, VirtualMachineInstance vmi, CancellationToken ct);
}

public sealed class PodNetworking : IPodNetworking
{
    public async Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, PodFacts pod, CancellationToken ct)
    {
        // 0 is the answer of SO_PEERCRED about a process in a PID namespace that this agent does not see.
        if (launcherPid <= 0)
            throw new UnsupportedNetworkException("the launcher's process is not visible to the node agent, which must run in the host's PID namespace");
        var interfaces = vmi.Spec?.Domain?.Devices?.Interfaces ?? [];
        Dictionary<string, PreparedInterface> prepared = [];
        for (var i = 0; i < interfaces.Count; i++)
        {
            var nic = interfaces[i];
            // An SR-IOV function is a host device.
            if (nic.State is "absent" || nic.Sriov is not null)
                continue;
            var network = (vmi.Spec?.Networks ?? []).FirstOrDefault(n => n.Name == nic.Name);
            var link = network switch
            {
                { Pod: not null } or { Multus.Default: true } => PodInterfaces.Primary,
                { Multus: not null } => PodInterfaces.Secondary(nic.Name!),
                _ => throw new UnsupportedNetworkException($"spec.networks: network '{nic.Name}' is neither the pod's nor one of Multus"),
            };
            if (prepared.ContainsKey(link))
                throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{i}]: more than one interface is connected to the pod network");
            var made = nic switch
            {
                { Masquerade: not null } when network is { Pod: { } cidrs } => await MasqueradeAsync(launcherPid, vmi, nic, cidrs, pod, ct).ConfigureAwait(false),
                { Bridge: not null } => await BridgeAsync(launcherPid, vmi, nic, link, i, pod.Addresses, ct).ConfigureAwait(false),
                { PasstBinding: not null } when network.Pod is not null => await PasstAsync(launcherPid, vmi, nic, pod.Addresses, ct).ConfigureAwait(false),
                { Binding.Name: { } plugin } => await PluggedAsync(launcherPid, vmi, nic, Plugin(pod, plugin, i), link, i, pod.Addresses, ct).ConfigureAwait(false),
                _ => throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{i}]: the bindings masquerade and passt are for the pod network, all else needs bridge or a binding plugin"),
            };
            if (made is not null)
                prepared[link] = made;
        }

        return [.. prepared.Values];
    }

    public async Task TidyAsync(int launcherPid, VirtualMachineInstance vmi, CancellationToken ct)
    {
        using var shown = await JsonAsync(launcherPid, ["link", "show"], ct).ConfigureAwait(false);
        var links = Links(shown).Keys.ToHashSet();
        var named = (vmi.Spec?.Networks ?? []).Where(n => n.Name is not null).Select(n => PodInterfaces.Secondary(n.Name!)).ToHashSet();
        var left = links.Select(BridgeScript.DeviceOf).OfType<string>().Where(d => PodInterfaces.IsSecondary(d) && !named.Contains(d)).SelectMany(BridgeScript.Made).Where(links.Contains).ToList();
        if (left.Count > 0)
            await NamespaceCommand.RunAsync(launcherPid, ["ip", "-batch", "-"], string.Concat(left.Select(l => $"link delete dev {l}\n")), ct).ConfigureAwait(false);
    }

    /// <summary>passt takes its addresses from the pod's device, and answers the guest's DHCP with them.</summary>
    private static async Task<PreparedInterface> PasstAsync(int pid, VirtualMachineInstance vmi, Interface nic, IReadOnlyList<string> podAddresses, CancellationToken ct)
    {
        var mtu = await MtuAsync(pid, ct).ConfigureAwait(false);
        await NamespaceCommand.RunAsync(pid, ["sh", "-e", "-s"], PasstScript.Text, ct).ConfigureAwait(false);
        return Bare(nic, "", nic.MacAddress is { Length: > 0 } mac ? mac : MasqueradeScript.MacFor(vmi.Metadata.Uid!, nic.Name!), mtu, podAddresses) with { IsPasst = true };
    }

    private static InterfaceBindingPlugin Plugin(PodFacts pod, string name, int index) => pod.Bindings?.GetValueOrDefault(name)
        ?? throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{index}].binding: the KubeVirt object has no network binding plugin '{name}'");

    /// <summary>An interface of a binding plugin; null when the plugin attaches it to the guest by itself.</summary>
    private static async Task<PreparedInterface?> PluggedAsync(int pid, VirtualMachineInstance vmi, Interface nic, InterfaceBindingPlugin plugin, string link, int index, IReadOnlyList<string> podAddresses, CancellationToken ct)
    {
        var made = plugin.DomainAttachmentType switch
        {
            null or "" => null,
            "tap" => await TapAsync(pid, nic, link, podAddresses, ct).ConfigureAwait(false),
            // Whatever the plugin has for DHCP answers by the bridge.
            "managedTap" => await BridgeAsync(pid, vmi, nic, link, index, podAddresses, ct).ConfigureAwait(false) with { GuestAddress = null },
            var other => throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{index}].binding: plugin '{nic.Binding!.Name}' has domainAttachmentType {other}, which is neither tap nor managedTap"),
        };
        return made is null ? null : made with { RefreshesLink = plugin.Migration?.Method is "link-refresh" };
    }

    /// <summary>The plugin's CNI has made a tap for QEMU, or the pod's device is one.</summary>
    private static async Task<PreparedInterface> TapAsync(int pid, Interface nic, string name, IReadOnlyList<string> podAddresses, CancellationToken ct)
    {
        using var shown = await JsonAsync(pid, ["address", "show"], ct).ConfigureAwait(false);
        var links = Links(shown);
        if (!links.TryGetValue(name, out var device))
            throw new UnsupportedNetworkException($"spec.networks: the pod has no device {name} for network '{nic.Name}'; did its binding plugin make it?");
        var tap = links.ContainsKey(BridgeScript.TapOf(name)) ? BridgeScript.TapOf(name) : name;
        IReadOnlyList<string> own = [.. device.GetProperty("addr_info").EnumerateArray().Where(a => a.GetProperty("scope").GetString() is "global").Select(a => a.GetProperty("local").GetString()!)];
        return Bare(nic, tap, nic.MacAddress is { Length: > 0 } mac ? mac : device.GetProperty("address").GetString()!, device.GetProperty("mtu").GetInt32(), name == PodInterfaces.Primary ? podAddresses : own);
    }

    /// <summary>No address that the launcher would tell the guest.</summary>
    private static PreparedInterface Bare(Interface nic, string tap, string mac, int mtu, IReadOnlyList<string> podAddresses) => new(nic.Name!, tap, "", mac, mtu, null, null, [], [], null, podAddresses);

    private static async Task<PreparedInterface> BridgeAsync(int pid, VirtualMachineInstance vmi, Interface nic, string name, int index, IReadOnlyList<string> podAddresses, CancellationToken ct)
    {
        // Each shows something that the other does not: aliases, addresses.
        using var shown = await JsonAsync(pid, ["link", "show"], ct).ConfigureAwait(false);
        using var addressed = await JsonAsync(pid, ["address", "show"], ct).ConfigureAwait(false);
        var (links, addresses) = (Links(shown), Links(addressed));
        var device = links.TryGetValue(BridgeScript.MovedName(name), out var moved) || links.TryGetValue(name, out moved) ? moved
            : throw new UnsupportedNetworkException($"spec.networks: the pod has no device {name} for network '{nic.Name}'; did Multus attach it?");
        var link = PodLink.Kept(device) ?? await FoundAsync(pid, name, addresses[name], ct).ConfigureAwait(false);
        var script = new BridgeScript(name, link, device.GetProperty("mtu").GetInt32(), BridgeScript.FreeIndex(addresses, name, index), IsMultiQueue(vmi.Spec!.Domain!, nic));
        try
        {
            await NamespaceCommand.RunAsync(pid, ["sh", "-e", "-s"], script.Text, ct).ConfigureAwait(false);
        }
        catch (FormatException e)
        {
            throw new UnsupportedNetworkException($"spec.networks: network '{nic.Name}': {e.Message}");
        }

        var isPrimary = name == PodInterfaces.Primary;
        var dns = isPrimary ? await DnsAsync(pid, ct).ConfigureAwait(false) : new ResolvConf([], []);
        return new PreparedInterface(
            nic.Name!, script.Tap, script.Bridge, nic.MacAddress is { Length: > 0 } mac ? mac : link.Mac, script.Mtu, link.Address, link.Gateway, dns.Servers, dns.Search, HostnameOf(vmi),
            isPrimary ? podAddresses : link.Address is { } address ? [address.Split('/')[0]] : [])
        {
            DhcpOptions = nic.DhcpOptions,
            IsBridged = true,
            Routes = link.OtherRoutes,
        };
    }

    private static async Task<PreparedInterface> MasqueradeAsync(int pid, VirtualMachineInstance vmi, Interface nic, PodNetwork network, PodFacts pod, CancellationToken ct)
    {
        MasqueradeScript script;
        try
        {
            script = MasqueradeScript.Of(nic, network, PodInterfaces.Primary, await MtuAsync(pid, ct).ConfigureAwait(false), IsMultiQueue(vmi.Spec!.Domain!, nic), pod.Addresses.Any(a => a.Contains(':', StringComparison.Ordinal))) with { Kept = pod.Kept };
        }
        catch (FormatException e)
        {
            throw new UnsupportedNetworkException(e.Message);
        }

        await NamespaceCommand.RunAsync(pid, ["sh", "-e", "-s"], script.Text, ct).ConfigureAwait(false);
        var dns = await DnsAsync(pid, ct).ConfigureAwait(false);
        return new PreparedInterface(
            nic.Name!, script.Tap, script.Bridge, nic.MacAddress is { Length: > 0 } mac ? mac : MasqueradeScript.MacFor(vmi.Metadata.Uid!, nic.Name!), script.Mtu,
            $"{script.Guest}/{script.Prefix}", script.Gateway.ToString(), dns.Servers, dns.Search, HostnameOf(vmi), pod.Addresses)
        {
            DhcpOptions = nic.DhcpOptions,
            GuestIpv6Address = script.Ipv6 is { } v6 ? $"{v6.Guest}/{v6.Prefix}" : null,
        };
    }

    /// <summary>The launcher gives a virtio interface a queue for each CPU; a tap has to be made for several, and for one, differently.</summary>
    private static bool IsMultiQueue(DomainSpec domain, Interface nic) => domain.Devices?.NetworkInterfaceMultiqueue is true
        && (nic.Model is null or "" or "virtio")
        && Math.Max(1, domain.Cpu?.Sockets ?? 1) * Math.Max(1, domain.Cpu?.Cores ?? 1) * Math.Max(1, domain.Cpu?.Threads ?? 1) > 1;

    private static async Task<int> MtuAsync(int pid, CancellationToken ct)
    {
        using var links = await JsonAsync(pid, ["link", "show", "dev", PodInterfaces.Primary], ct).ConfigureAwait(false);
        return links.RootElement[0].GetProperty("mtu").GetInt32();
    }

    private static async Task<PodLink> FoundAsync(int pid, string name, JsonElement device, CancellationToken ct)
    {
        using var routes = await JsonAsync(pid, ["-4", "route", "show", "dev", name], ct).ConfigureAwait(false);
        return PodLink.Of(device, routes.RootElement);
    }

    /// <summary>By name; what is filtered out is shown as an empty object.</summary>
    private static Dictionary<string, JsonElement> Links(JsonDocument shown) =>
        shown.RootElement.EnumerateArray().Where(l => l.TryGetProperty("ifname", out _)).ToDictionary(l => l.GetProperty("ifname").GetString()!);

    private static async Task<JsonDocument> JsonAsync(int pid, IEnumerable<string> ip, CancellationToken ct) =>
        JsonDocument.Parse(await NamespaceCommand.RunAsync(pid, ["ip", "-j", .. ip], null, ct).ConfigureAwait(false));

    private static async Task<ResolvConf> DnsAsync(int pid, CancellationToken ct) =>
        ResolvConf.Parse(await File.ReadAllTextAsync($"/proc/{pid}/root/etc/resolv.conf", ct).ConfigureAwait(false));

    private static string HostnameOf(VirtualMachineInstance vmi) => vmi.Spec!.Hostname ?? vmi.Metadata.Name!.Split('.')[0];
}

/// <summary>What a pod's resolv.conf says.</summary>
public sealed record ResolvConf(IReadOnlyList<string> Servers, IReadOnlyList<string> Search)
{
    public static ResolvConf Parse(string text)
    {
        List<string> servers = [], search = [];
        foreach (var words in text.Split('\n').Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)))
        {
            if (words is ["nameserver", var server, ..])
                servers.Add(server);
            else if (words is ["search", .. var domains])
                search = [.. domains];
        }

        return new ResolvConf(servers, search);
    }
}
