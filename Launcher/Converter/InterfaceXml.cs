using System.Xml.Linq;
using Troupe.Launcher.Passt;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Converter;

internal static class InterfaceXml
{
    /// <summary>A tap device has at most this many queues.</summary>
    private const int MostQueues = 256;
    private static readonly string[] Models = ["virtio", "e1000", "e1000e", "igb", "rtl8139", "ne2k_pci", "pcnet"];

    public static IEnumerable<XElement> Interfaces(DomainSource source)
    {
        var specs = source.Devices.Interfaces ?? [];
        for (var i = 0; i < specs.Count; i++)
        {
            var nic = specs[i];
            // An SR-IOV function is a host device.
            if (nic.State is "absent" || nic.Sriov is not null)
                continue;
            var field = $"spec.domain.devices.interfaces[{i}]";
            // A binding plugin that attaches none: its side-car does what is to be done.
            if (nic.Binding is not null && source.Context.Interfaces.All(p => p.Name != nic.Name))
                continue;
            yield return Interface(source, nic, source.Context.Interfaces.FirstOrDefault(p => p.Name == nic.Name)
                ?? throw new UnsupportedSpecException(field, "the node agent prepared no device for it"), field);
        }
    }

    public static XElement Interface(DomainSource source, Interface nic, PreparedInterface made, string field)
    {
        var model = nic.Model is { Length: > 0 } set ? set : "virtio";
        if (!Models.Contains(model))
            throw new UnsupportedSpecException($"{field}.model", $"interface {nic.Name} uses model {model} that is not supported.", isInvalid: true);
        var isVirtio = model == "virtio";
        if (nic.PasstBinding is not null)
            return Passt(source, nic, made, isVirtio ? source.VirtioModel : model, field);
        return new XElement("interface", new XAttribute("type", "ethernet"),
            new XElement("source"),
            new XElement("mac", new XAttribute("address", made.Mac)),
            new XElement("target", new XAttribute("dev", made.Tap), new XAttribute("managed", "no")),
            new XElement("model", new XAttribute("type", isVirtio ? source.VirtioModel : model)),
            isVirtio ? Driver(source) : null,
            new XElement("mtu", new XAttribute("size", made.Mtu)),
            new XElement("alias", new XAttribute("name", $"ua-{nic.Name}")),
            // The option ROM is for booting from the network and costs the guest a second at every start.
            nic.BootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null,
            nic.BootOrder is null || source.IsSev ? new XElement("rom", new XAttribute("enabled", "no")) : null,
            Place(nic, field));
    }

    /// <summary>libvirt starts passt, which shares the guest's memory; from 11.1 on. Before that the launcher does, and QEMU connects to it.</summary>
    private static XElement Passt(DomainSource source, Interface nic, PreparedInterface made, string model, string field) => new("interface",
        new XAttribute("type", StartsPasst(source) ? "vhostuser" : "client"),
        StartsPasst(source)
            ?
            [
                new XElement("source", new XAttribute("dev", PodInterfaces.Primary)),
                new XElement("backend", new XAttribute("type", "passt"), new XAttribute("logFile", $"{LauncherPaths.Public}/passt.log")),
                .. PasstPorts.Of(source.Vmi, nic, field).Xml(),
                model == source.VirtioModel ? Driver(source) : null,
            ]
            : (XElement?[])[new XElement("source", new XAttribute("address", "127.0.0.1"), new XAttribute("port", PasstServer.Port))],
        new XElement("mac", new XAttribute("address", made.Mac)),
        new XElement("model", new XAttribute("type", model)),
        new XElement("alias", new XAttribute("name", $"ua-{nic.Name}")),
        nic.BootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null,
        Place(nic, field));

    public static bool StartsPasst(DomainSource source) => source.Host.Libvirt >= new Version(11, 1);

    private static IEnumerable<XElement?> Place(Interface nic, string field) =>
    [
        nic.AcpiIndex is { } index and > 0 ? new XElement("acpi", new XAttribute("index", index)) : null,
        nic.PciAddress is { Length: > 0 } pci ? PciAddress.Parse(pci, $"{field}.pciAddress") : null,
        nic.State is "down" ? new XElement("link", new XAttribute("state", "down")) : null,
    ];

    /// <summary>Queues of a virtio interface: one for each CPU, where the spec wants several.</summary>
    public static int Queues(DomainSpec domain) => domain.Devices?.NetworkInterfaceMultiqueue is true ? (int)Math.Min(MostQueues, CpuTopology.Of(domain.Cpu).Count) : 1;

    private static XElement? Driver(DomainSource source)
    {
        var (several, iommu) = (source.Devices.NetworkInterfaceMultiqueue is true, LaunchSecurityXml.Iommu(source));
        return !several && iommu is null
            ? null
            : new XElement("driver",
                // Without the kernel's help QEMU moves the packets itself.
                new XAttribute("name", source.Host.HasVhostNet ? "vhost" : "qemu"),
                several ? new XAttribute("queues", Queues(source.Domain)) : null,
                iommu);
    }
}
