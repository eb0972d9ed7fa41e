using System.Text.Json;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

[Trait("Category", "Real")]
public sealed class BridgeTests : PodOfNamespaces
{
    private static readonly Interface Nic = new() { Name = "default", Bridge = new InterfaceBridge() };

    [Fact]
    public async Task A_bridged_guest_has_the_pods_address_and_MAC_and_its_place_in_the_network()
    {
        var pid = await MakePodAsync();
        await In(Pod, "ip", "route", "add", "default", "via", ClientAddress);
        var mac = await MacAsync("eth0");
        var prepared = await PrepareAsync(pid, Nic);
        Assert.Equal(("tap0", "k6t-eth0", 1400, mac, $"{PodAddress}/24", ClientAddress), (prepared.Tap, prepared.Bridge, prepared.Mtu, prepared.Mac, prepared.GuestAddress, prepared.Gateway));
        Assert.Equal((true, "guest"), (prepared.IsBridged, prepared.Hostname));
        Assert.Empty(prepared.Routes);
        // For whoever looks for the pod's.
        Assert.Contains($"{PodAddress}/24", await In(Pod, "ip", "-o", "address", "show", "dev", "eth0"), StringComparison.Ordinal);

        await AttachBridgedAsync(prepared);
        await In(Guest, "busybox", "ping", "-c1", "-W5", ClientAddress);
        await In(Client, "busybox", "ping", "-c1", "-W5", PodAddress);
        Serve(Guest, 80, "guest");
        Assert.Equal("guest", await ReadAsync(Client, PodAddress, 80));
        Assert.Contains(mac, await In(Client, "ip", "neigh", "show", PodAddress), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ip link set dev eth0 alias 'troupe {0} 192.0.2.2/24 default>192.0.2.1'")]
    [InlineData("ip link set dev eth0 alias 'troupe {0} 192.0.2.2/24 default>192.0.2.1'; ip link set dev eth0 down")]
    [InlineData("ip link set dev eth0 alias 'troupe {0} 192.0.2.2/24 default>192.0.2.1'; ip link set dev eth0 down; ip link set dev eth0 name eth0-nic")]
    [InlineData("ip link set dev eth0 alias 'troupe {0} 192.0.2.2/24 default>192.0.2.1'; ip link set dev eth0 down; ip link set dev eth0 name eth0-nic; ip link add eth0 type bridge; ip address flush dev eth0-nic")]
    public async Task What_a_crash_left_half_made_is_completed_with_what_the_pod_had(string done)
    {
        var pid = await MakePodAsync();
        await In(Pod, "ip", "route", "add", "default", "via", ClientAddress);
        var mac = await MacAsync("eth0");
        await In(Pod, "sh", "-ec", string.Format(null, System.Text.CompositeFormat.Parse(done), mac));
        var prepared = await PrepareAsync(pid, Nic);
        var devices = await DevicesAsync();
        var again = await PrepareAsync(pid, Nic);
        Assert.Equal((mac, $"{PodAddress}/24", ClientAddress), (prepared.Mac, prepared.GuestAddress, prepared.Gateway));
        Assert.Equal((prepared.Mac, prepared.GuestAddress, prepared.Gateway, prepared.Tap), (again.Mac, again.GuestAddress, again.Gateway, again.Tap));
        Assert.Equal(devices, await DevicesAsync());
        await AttachBridgedAsync(again);
        await In(Client, "busybox", "ping", "-c1", "-W5", PodAddress);
    }

    [Fact]
    public void A_gateway_outside_of_the_network_is_told_with_the_route_to_it()
    {
        var shown = JsonDocument.Parse("""{"ifname":"eth0","address":"0a:00:00:00:00:01","mtu":1500,"addr_info":[{"family":"inet6","local":"fe80::1","prefixlen":64},{"family":"inet","local":"10.1.2.3","prefixlen":32}]}""").RootElement;
        var routes = JsonDocument.Parse("""[{"dst":"default","gateway":"169.254.1.1","dev":"eth0"},{"dst":"169.254.1.1","dev":"eth0","scope":"link"},{"dst":"10.1.2.0/24","dev":"eth0","protocol":"kernel","scope":"link"}]""").RootElement;
        var link = PodLink.Of(shown, routes);
        Assert.Equal(("0a:00:00:00:00:01", "10.1.2.3/32", "169.254.1.1"), (link.Mac, link.Address, link.Gateway));
        Assert.Equal(["169.254.1.1/32,0.0.0.0"], link.OtherRoutes);
        Assert.Null(PodLink.Kept(shown));

        var kept = PodLink.Kept(JsonDocument.Parse($$"""{"ifname":"eth0-nic","ifalias":"{{link.Alias}}","address":"02:00:00:00:00:09"}""").RootElement)!;
        Assert.Equal((link.Mac, link.Address), (kept.Mac, kept.Address));
        Assert.Equal(link.Routes, kept.Routes);
        Assert.Throws<FormatException>(() => (link with { Routes = [.. Enumerable.Range(0, 40).Select(i => new PodRoute($"10.0.{i}.0/24", null))] }).Alias);
    }

    [Fact]
    public async Task A_network_that_the_pod_is_not_in_is_named()
    {
        var pid = await MakePodAsync();
        await In(Pod, "ip", "link", "delete", "eth0");
        var error = await Assert.ThrowsAsync<UnsupportedNetworkException>(() => PrepareAsync(pid, Nic));
        Assert.Contains("no device eth0 for network 'default'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secondary_networks_come_and_go_while_the_pod_lives_each_with_a_bridge_address_of_its_own()
    {
        var pid = await MakePodAsync();
        var networking = new PodNetworking();
        await AttachAsync("blue", "198.51.100.2");
        await AttachAsync("red", "203.0.113.2");
        await networking.PrepareAsync(pid, Vmi("blue", "red"), new PodFacts([PodAddress], []), Ct);
        await networking.TidyAsync(pid, Vmi("blue", "red"), Ct);
        Assert.Equal([1, 2], await IndicesAsync());

        // Absent is not gone: the guest may have it still.
        await networking.TidyAsync(pid, Vmi("-blue", "red"), Ct);
        Assert.Equal([1, 2], await IndicesAsync());
        // Multus removes what bears the device's name, which it never is.
        await In(Pod, "ip", "link", "delete", "dev", PodInterfaces.Secondary("blue"));
        await networking.TidyAsync(pid, Vmi("red"), Ct);
        var red = Assert.Single(await networking.PrepareAsync(pid, Vmi("red"), new PodFacts([PodAddress], []), Ct), i => i.Name == "red");
        Assert.Equal(("203.0.113.2/24", (string?)null), (red.GuestAddress, red.Gateway));
        Assert.Equal([2], await IndicesAsync());
        await AttachAsync("blue", "198.51.100.2");
        var blue = (await networking.PrepareAsync(pid, Vmi("red", "blue"), new PodFacts([PodAddress], []), Ct)).Single(i => i.Name == "blue");
        Assert.Equal("198.51.100.2/24", blue.GuestAddress);
        Assert.Equal([2, 3], await IndicesAsync());
        await networking.TidyAsync(pid, Vmi(), Ct);
        var left = await DevicesAsync();
        Assert.DoesNotContain(PodInterfaces.Secondary("red")[3..], left, StringComparison.Ordinal);
        Assert.Contains("eth0", left, StringComparison.Ordinal);

        async Task AttachAsync(string network, string address)
        {
            var device = PodInterfaces.Secondary(network);
            await In(Pod, "ip", "link", "add", device, "type", "veth", "peer", "name", $"peer-{network}");
            await In(Pod, "ip", "address", "add", $"{address}/24", "dev", device);
            await In(Pod, "ip", "link", "set", "dev", device, "up");
        }

        async Task<IReadOnlyList<int>> IndicesAsync() =>
            [.. (await In(Pod, "ip", "-o", "-4", "address", "show")).Split('\n').Where(l => l.Contains(" 169.254.75.1", StringComparison.Ordinal)).Select(l => int.Parse(l.Split("169.254.75.1")[1].Split('/')[0], null)).Order()];

        // Behind the pod's own, which is not made here.
        static VirtualMachineInstance Vmi(params string[] networks) => new()
        {
            Metadata = new ObjectMeta { Name = "guest", Uid = "uid" },
            Spec = new VirtualMachineInstanceSpec
            {
                Networks = [.. networks.Select(n => new Network { Name = n.TrimStart('-'), Multus = new MultusNetwork { NetworkName = "lan" } })],
                Domain = new DomainSpec
                {
                    Devices = new Devices { Interfaces = [new Interface { Name = "none", State = "absent" }, .. networks.Select(n => new Interface { Name = n.TrimStart('-'), Bridge = new InterfaceBridge(), State = n[0] == '-' ? "absent" : null })] },
                },
            },
        };
    }

    private async Task AttachBridgedAsync(PreparedInterface nic)
    {
        await AttachGuestAsync(nic.Bridge);
        await In(Guest, "ip", "link", "set", "eth0", "address", nic.Mac);
        await In(Guest, "ip", "address", "add", nic.GuestAddress!, "dev", "eth0");
        await In(Guest, "ip", "route", "add", "default", "via", nic.Gateway!);
    }

    private async Task<string> MacAsync(string device)
    {
        using var links = JsonDocument.Parse(await In(Pod, "ip", "-j", "link", "show", "dev", device));
        return links.RootElement[0].GetProperty("address").GetString()!;
    }
}
