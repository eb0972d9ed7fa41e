using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary><c>0000:81:01.0</c> as libvirt writes it.</summary>
internal static partial class PciAddress
{
    /// <exception cref="UnsupportedSpecException">It is no PCI address.</exception>
    public static XElement Parse(string address, string field)
    {
        var match = Format().Match(address);
        if (!match.Success)
            throw new UnsupportedSpecException(field, $"malformed PCI address '{address}'", isInvalid: true);
        return new XElement("address",
            new XAttribute("type", "pci"),
            new XAttribute("domain", $"0x{match.Groups[1].Value}"), new XAttribute("bus", $"0x{match.Groups[2].Value}"),
            new XAttribute("slot", $"0x{match.Groups[3].Value}"), new XAttribute("function", $"0x{match.Groups[4].Value}"));
    }

    [GeneratedRegex("^([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([01][0-9a-fA-F])\\.([0-7])$")]
    private static partial Regex Format();
}
