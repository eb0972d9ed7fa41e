using System.Xml.Linq;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Passt;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Passt;

public sealed class PasstPortsTests
{
    private const long Plenty = 1 << 20;

    [Fact]
    public void Ports_that_are_named_are_handed_on_and_without_any_all_are()
    {
        var named = Of(new Interface { Ports = [new Port { PortValue = 80 }, new Port { PortValue = 53, Protocol = "UDP" }], PortRanges = [new PortRange { Start = 5000, End = 5010, Protocol = "TCP" }] });
        Assert.Equal("--tcp-ports 80,5000-5010 --udp-ports 53", string.Join(' ', named.Arguments(Plenty)));
        Assert.Equal("""<portForward proto="tcp"><range start="80" /><range start="5000" end="5010" /></portForward><portForward proto="udp"><range start="53" /></portForward>""", Xml(named));
        var all = Of(new Interface());
        Assert.Equal("--tcp-ports all --udp-ports all", string.Join(' ', all.Arguments(Plenty)));
        Assert.Equal("""<portForward proto="tcp" /><portForward proto="udp" />""", Xml(all));
    }

    [Fact]
    public void Ports_of_a_meshs_proxy_are_never_the_guests()
    {
        var meshed = Of(new Interface(), new Dictionary<string, string> { ["sidecar.istio.io/inject"] = "true" });
        Assert.StartsWith("--tcp-ports ~15000,~15001,", string.Join(' ', meshed.Arguments(Plenty)), StringComparison.Ordinal);
        Assert.StartsWith("""<portForward proto="tcp"><range start="15000" exclude="yes" />""", Xml(meshed), StringComparison.Ordinal);
        Assert.StartsWith("--tcp-ports 1-8000,~15000,", string.Join(' ', meshed.Arguments(20_000)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pod_that_may_open_few_files_hands_on_the_low_ports_and_that_is_known()
    {
        Assert.Equal("--tcp-ports 1-8000 --udp-ports 1-8000", string.Join(' ', Of(new Interface()).Arguments(20_000)));
        Assert.Equal(8000, Of(new Interface()).Cut(20_000));
        Assert.Null(Of(new Interface()).Cut(Plenty));
        Assert.Null(Of(new Interface { Ports = [new Port { PortValue = 80 }] }).Cut(20_000));
        Assert.Equal(4096, PasstServer.OpenFiles(["Limit                     Soft Limit           Hard Limit           Units", "Max open files            1024                 4096                 files"]));
    }

    [Theory]
    [InlineData("SCTP", 80)]
    [InlineData("TCP", 70000)]
    public void What_is_no_port_is_refused_with_its_field(string protocol, int port) =>
        Assert.Equal("spec.domain.devices.interfaces[0].ports", Assert.Throws<UnsupportedSpecException>(() => Of(new Interface { Ports = [new Port { PortValue = port, Protocol = protocol }] })).Field);

    [Theory]
    [InlineData("9.0.0", "client", "127.0.0.1")]
    [InlineData("11.1.0", "vhostuser", null)]
    public void libvirt_starts_passt_where_it_can_and_else_QEMU_connects_to_the_launcher(string libvirt, string type, string? address)
    {
        var domain = DomainXml.Build(new DomainSource(
            new VirtualMachineInstance
            {
                Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "11111111-2222-3333-4444-555555555555" },
                Spec = new VirtualMachineInstanceSpec
                {
                    Domain = new DomainSpec
                    {
                        Memory = new Memory { Guest = new Quantity("128Mi") },
                        Devices = new Devices { Interfaces = [new Interface { Name = "n", PasstBinding = new InterfacePasstBinding(), State = "down", Ports = [new Port { PortValue = 22 }] }] },
                    },
                },
            },
            new LaunchContext(false, [new PreparedInterface("n", "", "", "02:00:00:00:00:01", 1500, null, null, [], [], null, []) { IsPasst = true }]), [], [], new HostFacts { Libvirt = Version.Parse(libvirt) }));
        var nic = domain.Descendants("interface").Single();
        Assert.Equal((type, address, "02:00:00:00:00:01", "down"),
            (nic.Attribute("type")!.Value, nic.Element("source")!.Attribute("address")?.Value, nic.Element("mac")!.Attribute("address")!.Value, nic.Element("link")!.Attribute("state")!.Value));
        // passt that libvirt starts writes to the guest's memory by itself.
        Assert.Equal(address is null, domain.Element("memoryBacking")?.Element("access") is not null);
        Assert.Equal(address is null, nic.Element("portForward") is not null);
    }

    private static PasstPorts Of(Interface nic, IReadOnlyDictionary<string, string>? annotations = null) =>
        PasstPorts.Of(new VirtualMachineInstance { Metadata = new ObjectMeta { Annotations = annotations } }, nic, "spec.domain.devices.interfaces[0]");

    private static string Xml(PasstPorts ports) => string.Concat(ports.Xml().Select(x => x.ToString(SaveOptions.DisableFormatting)));
}
