using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Converter;

internal static class InterfaceXml
{
    private static readonly string[] Models = ["virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet"];

    public static IEnumerable<XElement> Interfaces(DomainSpec domain, IReadOnlyList<PreparedInterface> prepared)
    {
        var specs = domain.Devices?.Interfaces ?? [];
        for (var i = 0; i < specs.Count; i++)
        {
            var nic = specs[i];
            var made = prepared.FirstOrDefault(p => p.Name == nic.Name)
                ?? throw new UnsupportedSpecException($"spec.domain.devices.interfaces[{i}]", "the node agent prepared no device for it");
            var model = nic.Model is { Length: > 0 } set ? set : "virtio";
            if (!Models.Contains(model))
                throw new UnsupportedSpecException($"spec.domain.devices.interfaces[{i}].model", $"interface {nic.Name} uses model {model} that is not supported.", isInvalid: true);
            yield return new XElement("interface", new XAttribute("type", "ethernet"),
                new XElement("mac", new XAttribute("address", made.Mac)),
                new XElement("target", new XAttribute("dev", made.Tap), new XAttribute("managed", "no")),
                new XElement("model", new XAttribute("type", model)),
                new XElement("mtu", new XAttribute("size", made.Mtu)),
                new XElement("alias", new XAttribute("name", $"ua-{nic.Name}")),
                // The option ROM is for booting from the network and costs the guest a second at every start.
                new XElement("rom", new XAttribute("enabled", nic.BootOrder is null ? "no" : "yes")),
                nic.BootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null,
                nic.AcpiIndex is { } index ? new XElement("acpi", new XAttribute("index", index)) : null,
                nic.State is "down" ? new XElement("link", new XAttribute("state", "down")) : null);
        }
    }
}
