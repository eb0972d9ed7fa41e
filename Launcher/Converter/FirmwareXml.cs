using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

internal static class FirmwareXml
{
    public static XElement Os(DomainSpec domain)
    {
        var machine = domain.Machine?.Type is { Length: > 0 } type ? type : "q35";
        var os = new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", machine), "hvm"));
        if (domain.Firmware?.KernelBoot is { } boot)
        {
            if (boot.Container is { } container)
            {
                Add(os, "kernel", container.KernelPath);
                Add(os, "initrd", container.InitrdPath);
            }

            if (boot.KernelArgs is { Length: > 0 } args)
                os.Add(new XElement("cmdline", args));
        }

        if (domain.Firmware?.Bootloader?.Bios?.UseSerial is true)
            os.Add(new XElement("bios", new XAttribute("useserial", "yes")));
        os.Add(new XElement("smbios", new XAttribute("mode", "sysinfo")));
        return os;
    }

    public static XElement SysInfo(DomainSpec domain, string uuid)
    {
        var system = new XElement("system", Entry("manufacturer", "KubeVirt"), Entry("product", "None"), Entry("uuid", uuid), Entry("family", "KubeVirt"));
        if (domain.Firmware?.Serial is { Length: > 0 } serial)
            system.Add(Entry("serial", serial));
        return new XElement("sysinfo", new XAttribute("type", "smbios"), system);
    }

    private static void Add(XElement os, string name, string? path)
    {
        if (path is { Length: > 0 })
            os.Add(new XElement(name, LauncherPaths.KernelBoot + "/" + path.TrimStart('/')));
    }

    private static XElement Entry(string name, string value) => new("entry", new XAttribute("name", name), value);
}
