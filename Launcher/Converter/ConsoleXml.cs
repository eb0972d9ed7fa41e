using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>The ways to talk to a guest: serial console, display, guest agent channel.</summary>
internal static class ConsoleXml
{
    public static IEnumerable<XElement> Devices(Devices? devices, string folder)
    {
        if (devices?.AutoattachSerialConsole is not false)
        {
            var source = new XElement("source", new XAttribute("mode", "bind"), new XAttribute("path", $"{folder}/{LauncherPaths.SerialName}"));
            yield return new XElement("serial", new XAttribute("type", "unix"), source,
                devices?.LogSerialConsole is false ? null : new XElement("log", new XAttribute("file", $"{folder}/{LauncherPaths.SerialName}-log"), new XAttribute("append", "on")),
                new XElement("target", new XAttribute("port", 0)));
        }

        if (devices?.AutoattachGraphicsDevice is not false)
        {
            yield return new XElement("graphics", new XAttribute("type", "vnc"),
                new XElement("listen", new XAttribute("type", "socket"), new XAttribute("socket", $"{folder}/{LauncherPaths.VncName}")));
            yield return new XElement("video", new XElement("model", new XAttribute("type", devices?.Video?.Type is { Length: > 0 } type ? type : "vga"), new XAttribute("heads", 1), new XAttribute("vram", 16384)));
        }
        else
        {
            yield return new XElement("video", new XElement("model", new XAttribute("type", "none")));
        }

        yield return new XElement("channel", new XAttribute("type", "unix"), new XElement("target", new XAttribute("type", "virtio"), new XAttribute("name", "org.qemu.guest_agent.0")));
    }
}
