using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Converter;

/// <summary>From a VMI to libvirt's domain XML. Pure: everything on disk has been prepared before.</summary>
public static class DomainXml
{
    /// <summary>libvirt's name of a VMI's domain, as KubeVirt builds it.</summary>
    public static string NameOf(VirtualMachineInstance vmi) => $"{vmi.Metadata.Namespace}_{vmi.Metadata.Name}";

    public static string UuidOf(VirtualMachineInstance vmi) => vmi.Spec?.Domain?.Firmware?.Uuid is { Length: > 0 } uuid ? uuid : vmi.Metadata.Uid!;

    /// <exception cref="UnsupportedSpecException">Something in the spec cannot be translated.</exception>
    public static XElement Build(VirtualMachineInstance vmi, LaunchContext context, IReadOnlyList<PreparedDisk> disks)
    {
        var spec = vmi.Spec ?? throw new UnsupportedSpecException("spec", "is required", isInvalid: true);
        var domain = spec.Domain ?? throw new UnsupportedSpecException("spec.domain", "is required", isInvalid: true);
        UnsupportedFields.Check(spec);
        return new XElement("domain",
            new XAttribute("type", context.UseEmulation ? "qemu" : "kvm"),
            new XElement("name", NameOf(vmi)),
            new XElement("uuid", UuidOf(vmi)),
            new XElement("metadata", new XElement(XName.Get("kubevirt", "http://kubevirt.io"), new XElement(XName.Get("uid", "http://kubevirt.io"), vmi.Metadata.Uid))),
            new XElement("memory", new XAttribute("unit", "b"), MemoryBytes(domain)),
            CpuXml.Vcpu(domain.Cpu),
            FirmwareXml.Os(domain),
            FirmwareXml.SysInfo(domain, UuidOf(vmi)),
            FeaturesXml.Features(domain.Features, context.UseEmulation),
            CpuXml.Cpu(domain.Cpu, context.UseEmulation),
            ClockXml.Clock(domain.Clock),
            new XElement("on_poweroff", "destroy"),
            new XElement("on_reboot", domain.RebootPolicy is "Terminate" ? "destroy" : "restart"),
            new XElement("on_crash", "destroy"),
            new XElement("devices",
                DiskXml.Disks(domain, disks),
                InterfaceXml.Interfaces(domain, context.Interfaces),
                ConsoleXml.Devices(domain.Devices, LauncherPaths.DomainFolder(vmi.Metadata.Uid!)),
                DeviceXml.Devices(domain.Devices)));
    }

    private static long MemoryBytes(DomainSpec domain) => domain.Memory?.Guest is { } guest
        ? guest.Units
        : domain.Resources?.Requests?.TryGetValue("memory", out var requested) is true
            ? requested.Units
            : throw new UnsupportedSpecException("spec.domain.memory.guest", "is required", isInvalid: true);
}
