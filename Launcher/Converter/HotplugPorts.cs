using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>Free PCIe ports: on q35, a device can be plugged into a running guest only where a port waits for it.</summary>
internal static class HotplugPorts
{
    private const long LargeGuest = 2L << 30;

    /// <summary>As many as KubeVirt reserves: small guests keep three ports free, large ones six.</summary>
    public static XElement Reserve(XElement domain, DomainSource source)
    {
        var machine = domain.Element("os")!.Element("type")!.Attribute("machine")!.Value;
        if (source.Devices.DisableHotplug is true || source.Annotation(RootComplex.Annotation) is "true" || !machine.Contains("q35", StringComparison.Ordinal))
            return domain;
        var devices = domain.Element("devices")!;
        var used = devices.Elements().Count(IsOnPcie);
        var (all, free) = MemoryXml.Bytes(source.Domain) > LargeGuest ? (16, 6) : (8, 3);
        // libvirt fills explicit ports with the guest's own devices first.
        var ports = used + Math.Max(all - used, free);
        devices.AddFirst(Enumerable.Range(1, ports).Select(i =>
            new XElement("controller", new XAttribute("type", "pci"), new XAttribute("index", i.ToString(CultureInfo.InvariantCulture)), new XAttribute("model", "pcie-root-port"))));
        return domain;
    }

    private static bool IsOnPcie(XElement device) => device.Name.LocalName switch
    {
        "controller" => device.Attribute("model")?.Value is not "none",
        "disk" => device.Element("target")?.Attribute("bus")?.Value is "virtio",
        "interface" or "hostdev" or "filesystem" or "rng" or "vsock" => true,
        "memballoon" => device.Attribute("model")?.Value is not "none",
        _ => false,
    };
}
