using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>The guest's screen.</summary>
internal static class DisplayXml
{
    /// <summary>KiB.</summary>
    private const int VideoMemory = 16384;
    private static readonly string[] Types = ["vga", "cirrus", "virtio", "ramfb", "bochs"];

    public static IEnumerable<XElement> Devices(DomainSource source)
    {
        if (source.Devices.AutoattachGraphicsDevice is false)
            yield break;
        yield return new XElement("video", Model(source));
        yield return new XElement("graphics", new XAttribute("type", "vnc"),
            new XElement("listen", new XAttribute("type", "socket"), new XAttribute("socket", $"{LauncherPaths.DomainFolder(source.Vmi.Metadata.Uid!)}/{LauncherPaths.VncName}")));
    }

    /// <summary>UEFI brings a driver for QEMU's simplest display; a BIOS wants a VGA.</summary>
    private static XElement Model(DomainSource source)
    {
        var type = source.Devices.Video?.Type is { Length: > 0 } set ? set : source.IsEfi ? "bochs" : "vga";
        if (!Types.Contains(type))
            throw new UnsupportedSpecException("spec.domain.devices.video.type", $"'{type}' is not a supported video type", isInvalid: true);
        return new XElement("model", new XAttribute("type", type),
            new XAttribute("heads", 1),
            type is "vga" || source.Devices.Video is not null ? new XAttribute("vram", VideoMemory) : null);
    }
}
