using Troupe.Launcher.Dhcp;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Dhcp;

public sealed class DhcpServerTests
{
    [Fact]
    public void A_masqueraded_guest_is_served_from_the_bridges_own_network()
    {
        var arguments = DhcpServer.Arguments(Nic("10.0.2.2/24", "10.0.2.1"), "/run");
        Assert.Contains("--dhcp-range=10.0.2.2,static,255.255.255.0,infinite", arguments);
        Assert.Contains("--dhcp-option=option:router,10.0.2.1", arguments);
        Assert.DoesNotContain(arguments, a => a.StartsWith("--shared-network", StringComparison.Ordinal) || a.StartsWith("--dhcp-option=121", StringComparison.Ordinal));
    }

    [Fact]
    public void A_guest_with_a_second_address_hears_of_it_by_DHCPv6_and_of_the_bridge_as_its_router()
    {
        var arguments = DhcpServer.Arguments(Nic("10.0.2.2/24", "10.0.2.1") with { GuestIpv6Address = "fd10:0:2::2/120" }, "/run");
        Assert.Contains("--enable-ra", arguments);
        Assert.Contains("--dhcp-range=fd10:0:2::2,fd10:0:2::2,120,infinite", arguments);
        Assert.Contains(arguments, a => a.EndsWith(",[fd10:0:2::2],infinite", StringComparison.Ordinal));
    }

    [Fact]
    public void A_bridged_guest_is_told_the_way_to_a_gateway_outside_of_its_network()
    {
        var arguments = DhcpServer.Arguments(Nic("10.1.2.3/32", "169.254.1.1") with { IsBridged = true, Routes = ["169.254.1.1/32,0.0.0.0"] }, "/run");
        Assert.Contains("--dhcp-range=10.1.2.3,static,255.255.255.255,infinite", arguments);
        Assert.Contains("--shared-network=k6t-eth0,10.1.2.3", arguments);
        Assert.Contains("--dhcp-option=121,169.254.1.1/32,0.0.0.0,0.0.0.0/0,169.254.1.1", arguments);
    }

    [Fact]
    public void A_network_without_a_gateway_has_no_router_rather_than_the_bridge() =>
        Assert.Contains("--dhcp-option=option:router", DhcpServer.Arguments(Nic("10.1.2.3/24", null) with { IsBridged = true }, "/run"));

    [Fact]
    public async Task An_interface_that_is_plugged_again_finds_its_address_free_of_the_one_before()
    {
        var folder = Directory.CreateTempSubdirectory("dhcp-").FullName;
        var leases = Path.Combine(folder, "default.leases");
        await File.WriteAllTextAsync(leases, "0 02:00:00:00:00:99 10.1.2.3 * *\n", TestContext.Current.CancellationToken);
        await using (var server = new DhcpServer(Nic("10.1.2.3/24", null), folder, _ => { }))
        {
            server.Start();
            Assert.DoesNotContain("02:00:00:00:00:99", File.Exists(leases) ? await File.ReadAllTextAsync(leases, TestContext.Current.CancellationToken) : "", StringComparison.Ordinal);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static PreparedInterface Nic(string address, string? gateway) => new("default", "tap0", "k6t-eth0", "02:00:00:00:00:01", 1500, address, gateway, [], [], "guest", []);
}
