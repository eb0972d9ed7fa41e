using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>From a VMI to libvirt's domain XML. Pure: everything on disk and on the host has been prepared and read before.</summary>
public static class DomainXml
{
    private static readonly XNamespace KubeVirt = "http://kubevirt.io";

    /// <summary>libvirt's name of a VMI's domain, as KubeVirt builds it.</summary>
    public static string NameOf(VirtualMachineInstance vmi) => $"{vmi.Metadata.Namespace}_{vmi.Metadata.Name}";

    public static string UuidOf(VirtualMachineInstance vmi) => vmi.Spec?.Domain?.Firmware?.Uuid is { Length: > 0 } uuid ? uuid : vmi.Metadata.Uid!;

    /// <exception cref="UnsupportedSpecException">Something in the spec cannot be translated.</exception>
    public static XElement Build(DomainSource source)
    {
        var (vmi, domain) = (source.Vmi, source.Domain);
        var made = new XElement("domain",
            new XAttribute("type", source.Context.UseEmulation ? "qemu" : "kvm"),
            new XElement("name", NameOf(vmi)),
            new XElement("uuid", UuidOf(vmi)),
            new XElement("metadata", new XElement(KubeVirt + "kubevirt", new XElement(KubeVirt + "uid", vmi.Metadata.Uid))),
            MemoryXml.Memory(source),
            MemoryXml.MaxMemory(source),
            MemoryXml.Backing(source),
            VcpuXml.Vcpu(source.Cpus),
            VcpuXml.Vcpus(source.Cpus),
            IoThreadsXml.Count(domain),
            CpuTuneXml.CpuTune(source),
            NumaXml.NumaTune(source),
            OsXml.Os(source),
            SysInfoXml.SysInfo(source),
            FeaturesXml.Features(source),
            CpuXml.Cpu(source),
            ClockXml.Clock(domain.Clock, vmi.Status?.TopologyHints?.TscFrequency),
            domain.RebootPolicy switch { "Terminate" => new XElement("on_reboot", "destroy"), "Reboot" => new XElement("on_reboot", "restart"), _ => null },
            LaunchSecurityXml.LaunchSecurity(source),
            new XElement("devices",
                ControllerXml.Controllers(source),
                DiskXml.Disks(source),
                FilesystemXml.Filesystems(source),
                InterfaceXml.Interfaces(source),
                HostdevXml.Hostdevs(source.HostDevices),
                ConsoleXml.Devices(source),
                DisplayXml.Devices(source),
                DeviceXml.Devices(source)),
            IgnitionXml.CommandLine(source));
        return source.Annotation(RootComplex.Annotation) is "true" ? RootComplex.Place(made) : made;
    }
}
