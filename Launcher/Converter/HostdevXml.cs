using System.Xml.Linq;
using Troupe.Launcher.HostDevices;

namespace Troupe.Launcher.Converter;

internal static class HostdevXml
{
    public static IEnumerable<XElement> Hostdevs(IReadOnlyList<AssignedDevice> devices) => devices.Select(Hostdev);

    private static XElement Hostdev(AssignedDevice device) => new("hostdev",
        new XAttribute("mode", "subsystem"),
        new XAttribute("type", device.Kind switch { AssignedKind.Pci => "pci", AssignedKind.Mdev => "mdev", _ => "usb" }),
        new XAttribute("managed", "no"),
        device.Kind is AssignedKind.Mdev ? new XAttribute("model", "vfio-pci") : null,
        device.HasDisplay ? new XAttribute("display", "on") : null,
        device.HasRamFb ? new XAttribute("ramfb", "on") : null,
        new XElement("source", Address(device)),
        new XElement("alias", new XAttribute("name", $"ua-{device.Alias}")),
        device.BootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null);

    private static XElement Address(AssignedDevice device)
    {
        switch (device.Kind)
        {
            case AssignedKind.Pci:
                var address = PciAddress.Parse(device.Address, device.Alias);
                address.Attribute("type")!.Remove();
                return address;
            case AssignedKind.Mdev:
                return new XElement("address", new XAttribute("uuid", device.Address));
            default:
                var parts = device.Address.Split(':');
                return parts.Length == 2 && int.TryParse(parts[0], out var bus) && int.TryParse(parts[1], out var number)
                    ? new XElement("address", new XAttribute("bus", bus), new XAttribute("device", number))
                    : throw new UnsupportedSpecException("spec.domain.devices.hostDevices", $"'{device.Address}' is not the BUS:DEVICE of a USB device");
        }
    }
}
