using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>
/// Devices on the root bus itself, as integrated ones, instead of behind ports: for guests that place nothing behind a bridge. There is no hotplug then.
/// Slots follow KubeVirt's order, so that a guest finds its devices where it had them.
/// </summary>
internal static class RootComplex
{
    public const string Annotation = "kubevirt.io/placePCIDevicesOnRootComplex";
    private const int Slots = 0x20;

    public static XElement Place(XElement domain)
    {
        var devices = domain.Element("devices")!;
        var slot = 1;
        foreach (var device in new[] { "interface", "hostdev", "controller", "disk", "input", "watchdog", "rng", "memballoon" }.SelectMany(n => devices.Elements(n)).Where(IsPci))
        {
            if (device.Element("address") is { } placed)
            {
                if (placed.Attribute("domain") is not null || placed.Attribute("type")?.Value is not (null or "pci"))
                    continue;
                placed.Remove();
            }

            // QEMU itself has the first sound card and the SATA controller there; 1 is the display's.
            slot += slot + 1 is 0x1b or 0x1f ? 2 : 1;
            if (slot >= Slots)
                throw new UnsupportedSpecException($"metadata.annotations[{Annotation}]", "No space left on the root PCI bus.", isInvalid: true);
            device.Add(new XElement("address", new XAttribute("type", "pci"), new XAttribute("domain", "0x0000"), new XAttribute("bus", "0x00"),
                new XAttribute("slot", $"0x{slot.ToString("x2", CultureInfo.InvariantCulture)}"), new XAttribute("function", "0x0")));
        }

        return domain;
    }

    private static bool IsPci(XElement device) => device.Name.LocalName switch
    {
        "hostdev" => device.Attribute("type")?.Value is "pci",
        "controller" => device.Attribute("model")?.Value is not ("pci-root" or "pcie-root" or "pcie-expander-bus"),
        "disk" => device.Element("target")?.Attribute("bus")?.Value is "virtio",
        "input" => device.Attribute("bus")?.Value is "virtio",
        _ => true,
    };
}
