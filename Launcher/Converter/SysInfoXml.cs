using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>What the guest reads with dmidecode.</summary>
internal static class SysInfoXml
{
    public static XElement SysInfo(DomainSource source)
    {
        var chassis = source.Domain.Chassis;
        return new XElement("sysinfo", new XAttribute("type", "smbios"),
            new XElement("system",
                Entry("uuid", DomainXml.UuidOf(source.Vmi)),
                Optional("serial", source.Domain.Firmware?.Serial),
                Entry("manufacturer", "KubeVirt"), Entry("family", "KubeVirt"), Entry("product", "None"), Entry("sku", ""), Entry("version", "")),
            new XElement("bios"),
            new XElement("baseBoard"),
            new XElement("chassis",
                Optional("manufacturer", chassis?.Manufacturer), Optional("version", chassis?.Version), Optional("serial", chassis?.Serial),
                Optional("asset", chassis?.Asset), Optional("sku", chassis?.Sku)));
    }

    private static XElement? Optional(string name, string? value) => value is { Length: > 0 } ? Entry(name, value) : null;

    private static XElement Entry(string name, string value) => new("entry", new XAttribute("name", name), value);
}
