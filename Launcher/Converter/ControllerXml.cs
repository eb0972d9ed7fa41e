using System.Xml.Linq;
using Troupe.Launcher.HostDevices;

namespace Troupe.Launcher.Converter;

internal static class ControllerXml
{
    public static IEnumerable<XElement> Controllers(DomainSource source)
    {
        yield return NeedsUsb(source) ? Controller("usb", "qemu-xhci") : Controller("usb", "none");
        // Also without such a disk: one may come while the guest runs.
        if (source.Devices.DisableHotplug is not true || (source.Devices.Disks ?? []).Any(d => DiskTargets.BusOf(d) == "scsi"))
        {
            var scsi = Controller("scsi", source.VirtioModel);
            var (threads, queues) = (IoThreads.Of(source.Domain), source.Devices.BlockMultiQueue is true ? source.Cpus.Count : 0);
            if (threads is not null || queues > 0 || source.IsSev)
            {
                scsi.Add(new XElement("driver",
                    threads is null ? null : new XAttribute("iothread", 1),
                    queues > 0 ? new XAttribute("queues", queues) : null,
                    LaunchSecurityXml.Iommu(source)));
            }

            yield return scsi;
        }

        var serial = Controller("virtio-serial", source.VirtioModel);
        if (LaunchSecurityXml.Iommu(source) is { } iommu)
            serial.Add(new XElement("driver", iommu));
        yield return serial;
    }

    private static bool NeedsUsb(DomainSource source) =>
        source.Devices.ClientPassthrough is not null
        || DeviceXml.Inputs(source.Devices).Any(i => DeviceXml.BusOf(i) == "usb")
        || (source.Devices.Disks ?? []).Any(d => DiskTargets.BusOf(d) == "usb")
        || source.HostDevices.Any(d => d.Kind is AssignedKind.Usb);

    private static XElement Controller(string type, string model) => new("controller", new XAttribute("type", type), new XAttribute("index", 0), new XAttribute("model", model));
}
