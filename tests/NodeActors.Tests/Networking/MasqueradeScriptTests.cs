using Troupe.Messages.Api.KubeVirt;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

public sealed class MasqueradeScriptTests
{
    [Fact]
    public void Port_ranges_close_all_other_ports_as_single_ports_do()
    {
        var nic = new Interface { Name = "default", PortRanges = [new PortRange { Protocol = "UDP", Start = 5000, End = 5010 }] };
        var text = MasqueradeScript.Of(nic, new PodNetwork(), "eth0", 1500).Text;
        Assert.Contains("iifname \"eth0\" udp dport 5000-5010 dnat to 10.0.2.2", text);
        Assert.DoesNotContain("iifname \"eth0\" dnat", text);
    }

    [Theory]
    [InlineData("SCTP", 80)]
    [InlineData("TCP; flush ruleset", 80)]
    [InlineData("TCP", 0)]
    [InlineData("TCP", 65536)]
    public void What_is_no_port_is_refused(string protocol, int port) => Assert.Throws<FormatException>(() =>
        MasqueradeScript.Of(new Interface { Name = "default", Ports = [new Port { Protocol = protocol, PortValue = port }] }, new PodNetwork(), "eth0", 1500));

    [Fact]
    public void The_MAC_address_is_unicast_local_and_always_the_same()
    {
        var mac = MasqueradeScript.MacFor("uid", "default");
        Assert.Matches("^02(:[0-9a-f]{2}){5}$", mac);
        Assert.Equal(mac, MasqueradeScript.MacFor("uid", "default"));
        Assert.NotEqual(mac, MasqueradeScript.MacFor("uid", "other"));
        Assert.NotEqual(mac, MasqueradeScript.MacFor("other", "default"));
    }

    [Fact]
    public void A_resolv_conf_gives_its_servers_and_the_last_search_line()
    {
        var parsed = ResolvConf.Parse("# comment\nsearch old\nsearch a.svc svc\nnameserver 10.96.0.10\nnameserver\tfd00::10\noptions ndots:5\n");
        Assert.Equal(["10.96.0.10", "fd00::10"], parsed.Servers);
        Assert.Equal(["a.svc", "svc"], parsed.Search);
    }
}
