using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>What the guest reads with dmidecode.</summary>
internal static class SysInfoXml
{
    public static XElement SysInfo(DomainSource source)
    {
        var (chassis, smbios) = (source.Domain.Chassis, source.Smbios);
        return new XElement("sysinfo", new XAttribute("type", "smbios"),
            new XElement("system",
                Entry("uuid", DomainXml.UuidOf(source.Vmi)),
                Optional("serial", source.Domain.Firmware?.Serial),
                Entry("manufacturer", smbios.Manufacturer ?? ""), Entry("family", smbios.Family ?? ""), Entry("product", smbios.Product ?? ""),
                Entry("sku", smbios.Sku ?? ""), Entry("version", smbios.Version ?? "")),
            new XElement("bios"),
            new XElement("baseBoard"),
            new XElement("chassis",
                chassis is null ? null : new[] { ("manufacturer", chassis.Manufacturer), ("version", chassis.Version), ("serial", chassis.Serial), ("asset", chassis.Asset), ("sku", chassis.Sku) }
                    .Select(e => Entry(e.Item1, e.Item2 ?? ""))));
    }

    private static XElement? Optional(string name, string? value) => value is { Length: > 0 } ? Entry(name, value) : null;

    private static XElement Entry(string name, string value) => new("entry", new XAttribute("name", name), value);
}
