using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>What Ignition (Fedora CoreOS, Flatcar) reads at a guest's first boot, given to it as QEMU's firmware configuration.</summary>
public static class IgnitionXml
{
    private const string Annotation = "kubevirt.io/ignitiondata";
    private static readonly XNamespace Qemu = "http://libvirt.org/schemas/domain/qemu/1.0";

    /// <summary>Null for a guest without.</summary>
    public static string? DataOf(DomainSource source) => source.Annotation(Annotation) is { } data && data.Contains("ignition", StringComparison.Ordinal) ? data : null;

    internal static XElement? CommandLine(DomainSource source) => DataOf(source) is null ? null : new XElement(Qemu + "commandline",
        new XAttribute(XNamespace.Xmlns + "qemu", Qemu),
        new XElement(Qemu + "arg", new XAttribute("value", "-fw_cfg")),
        new XElement(Qemu + "arg", new XAttribute("value", $"name=opt/com.coreos/config,file={LauncherPaths.Ignition}")));
}
