using System.Xml.Linq;
using Troupe.Launcher.HostDevices;

namespace Troupe.Launcher.Converter;

internal static class ControllerXml
{
    private const string DisablePciHole64 = "kubevirt.io/disablePCIHole64";

    public static IEnumerable<XElement> Controllers(DomainSource source)
    {
        yield return NeedsUsb(source) ? Controller("usb", "qemu-xhci") : Controller("usb", "none");
        // Also without such a disk: one may come while the guest runs.
        if (source.Devices.DisableHotplug is not true || (source.Devices.Disks ?? []).Any(d => DiskTargets.BusOf(d) == "scsi"))
        {
            var scsi = Controller("scsi", source.VirtioModel);
            var thread = IoThreads.OfScsi(source.Domain);
            if (thread is not null || source.IsSev)
            {
                scsi.Add(new XElement("driver",
                    thread is null ? null : new XAttribute("iothread", thread),
                    thread is null ? null : new XAttribute("queues", source.Cpus.Count),
                    LaunchSecurityXml.Iommu(source)));
            }

            yield return scsi;
        }

        if (string.Equals(source.Annotation(DisablePciHole64), "true", StringComparison.OrdinalIgnoreCase))
        {
            // Old Windows cannot place what lies above 4 GiB.
            var root = Controller("pci", "pcie-root");
            root.Add(new XElement("pcihole64", new XAttribute("unit", "KiB"), 0));
            yield return root;
        }

        // libvirt adds one by itself for the agent's channel.
        if (source.Devices.AutoattachSerialConsole is false)
            yield break;
        var serial = Controller("virtio-serial", source.VirtioModel);
        if (LaunchSecurityXml.Iommu(source) is { } iommu)
            serial.Add(new XElement("driver", iommu));
        yield return serial;
    }

    private static bool NeedsUsb(DomainSource source) =>
        source.Devices.ClientPassthrough is not null
        || (source.Devices.Inputs ?? []).Any(i => DeviceXml.BusOf(i) == "usb")
        || (source.Devices.Disks ?? []).Any(d => DiskTargets.BusOf(d) == "usb")
        || source.HostDevices.Any(d => d.Kind is AssignedKind.Usb);

    private static XElement Controller(string type, string model) => new("controller", new XAttribute("type", type), new XAttribute("index", 0), new XAttribute("model", model));
}
