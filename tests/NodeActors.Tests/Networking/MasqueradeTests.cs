using Troupe.Messages.Api.KubeVirt;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

[Trait("Category", "Real")]
public sealed class MasqueradeTests : PodOfNamespaces
{
    [Fact]
    public async Task A_guest_behind_the_masquerade_reaches_the_network_and_is_reached()
    {
        var pid = await MakePodAsync();
        var prepared = await PrepareAsync(pid, new Interface { Name = "default", Masquerade = new InterfaceMasquerade() });
        Assert.Equal(("tap0", 1400, "10.0.2.2/24", "10.0.2.1", "guest"), (prepared.Tap, prepared.Mtu, prepared.GuestAddress, prepared.Gateway, prepared.Hostname));
        await AttachMasqueradedAsync(prepared.Bridge);

        await In(Guest, "busybox", "ping", "-c1", "-W5", "10.0.2.1");
        await In(Guest, "busybox", "ping", "-c1", "-W5", ClientAddress);
        Serve(Client, 8080, "network");
        Assert.Equal("network", await ReadAsync(Guest, ClientAddress, 8080));
        Serve(Guest, 80, "guest");
        Assert.Equal("guest", await ReadAsync(Client, PodAddress, 80));
        await In(Client, "busybox", "ping", "-c1", "-W5", PodAddress);
    }

    [Fact]
    public async Task A_pod_with_an_IPv6_address_gives_its_guest_one_behind_a_masquerade_of_its_own()
    {
        var pid = await MakePodAsync();
        await In(Pod, "ip", "-6", "address", "add", "2001:db8::2/64", "dev", "eth0", "nodad");
        await In(Client, "ip", "-6", "address", "add", "2001:db8::1/64", "dev", "eth0", "nodad");
        var prepared = await PrepareAsync(pid, new Interface { Name = "default", Masquerade = new InterfaceMasquerade() }, addresses: [PodAddress, "2001:db8::2"]);
        Assert.Equal(("10.0.2.2/24", "fd10:0:2::2/120"), (prepared.GuestAddress, prepared.GuestIpv6Address));
        await AttachMasqueradedAsync(prepared.Bridge);
        await In(Guest, "ip", "-6", "address", "add", "fd10:0:2::2/120", "dev", "eth0", "nodad");
        await In(Guest, "ip", "-6", "route", "add", "default", "via", "fd10:0:2::1");
        await In(Guest, "busybox", "ping", "-6", "-c1", "-W5", "2001:db8::1");
        Start(new System.Diagnostics.ProcessStartInfo("ip", ["netns", "exec", Guest, "socat", "-U", "TCP6-LISTEN:80,reuseaddr,fork", "SYSTEM:echo six"]));
        Assert.Equal("six", (await In(Client, "socat", "-u", "TCP6:[2001:db8::2]:80,connect-timeout=5,retry=50,interval=0.1", "-")).Trim());
        await In(Guest, "busybox", "ping", "-c1", "-W5", ClientAddress);
    }

    [Theory]
    [InlineData("fd20::/64", "fd20::2/64")]
    [InlineData("fd20::/127", null)]
    [InlineData("10.0.2.0/24", null)]
    public void The_IPv6_network_behind_the_masquerade_can_be_chosen(string cidr, string? guest)
    {
        var (nic, network) = (new Interface { Name = "default" }, new PodNetwork { VmIPv6NetworkCIDR = cidr });
        if (guest is null)
            Assert.Contains("vmIPv6NetworkCIDR", Assert.Throws<FormatException>(() => MasqueradeScript.Of(nic, network, "eth0", 1500, hasIpv6: true)).Message, StringComparison.Ordinal);
        else
            Assert.Equal(guest, MasqueradeScript.Of(nic, network, "eth0", 1500, hasIpv6: true).Ipv6 is { } six ? $"{six.Guest}/{six.Prefix}" : null);
        // Sessions are taken up again in their own family.
        var script = MasqueradeScript.Of(nic, new PodNetwork(), "eth0", 1500, hasIpv6: true) with { Kept = ["192.0.2.9", "2001:db8::9"] };
        Assert.Contains("ip saddr 10.0.2.2 oifname != \"k6t-eth0\" tcp flags & (syn | rst) == 0 snat to 192.0.2.9", script.Text, StringComparison.Ordinal);
        Assert.Contains("ip6 saddr fd10:0:2::2 oifname != \"k6t-eth0\" tcp flags & (syn | rst) == 0 snat to 2001:db8::9", script.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preparing_again_keeps_the_devices_and_what_a_crash_left_half_made_is_completed()
    {
        var pid = await MakePodAsync();
        // The bridge without its address and without the tap: a run that was cut short.
        await In(Pod, "ip", "link", "add", "k6t-eth0", "type", "bridge");
        var nic = new Interface { Name = "default", Masquerade = new InterfaceMasquerade(), Ports = [new Port { PortValue = 80 }] };
        var first = await PrepareAsync(pid, nic);
        var devices = await DevicesAsync();
        var second = await PrepareAsync(pid, nic);
        Assert.Equal(first.Mac, second.Mac);
        Assert.Equal(devices, await DevicesAsync());
        Assert.Contains("10.0.2.1/24", await In(Pod, "ip", "-o", "address", "show"));
        Assert.Single((await In(Pod, "nft", "list", "ruleset")).Split('\n'), l => l.Contains("dnat to", StringComparison.Ordinal));

        await AttachMasqueradedAsync(first.Bridge);
        Serve(Guest, 80, "open");
        Serve(Guest, 81, "closed");
        Assert.Equal("open", await ReadAsync(Client, PodAddress, 80));
        await Assert.ThrowsAsync<IOException>(() => In(Client, "socat", "-u", $"TCP4:{PodAddress}:81,connect-timeout=2", "-"));
    }

    [Fact]
    public async Task An_interface_without_a_binding_is_refused_with_its_field_and_a_pod_without_eth0_is_worth_another_try()
    {
        var pid = await MakePodAsync();
        var error = await Assert.ThrowsAsync<UnsupportedNetworkException>(() => PrepareAsync(pid, new Interface { Name = "default" }));
        Assert.Contains("spec.domain.devices.interfaces[0]", error.Message, StringComparison.Ordinal);
        await In(Pod, "ip", "link", "delete", "eth0");
        await Assert.ThrowsAsync<IOException>(() => PrepareAsync(pid, new Interface { Name = "default", Masquerade = new InterfaceMasquerade() }));
    }

    private async Task AttachMasqueradedAsync(string bridge)
    {
        await AttachGuestAsync(bridge);
        await In(Guest, "ip", "address", "add", "10.0.2.2/24", "dev", "eth0");
        await In(Guest, "ip", "route", "add", "default", "via", "10.0.2.1");
    }
}
