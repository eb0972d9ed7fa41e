using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>The ways to talk to a guest without a network: serial console, guest agent, metrics, USB devices of a client.</summary>
internal static class ConsoleXml
{
    public static IEnumerable<XElement> Devices(DomainSource source)
    {
        var devices = source.Devices;
        var folder = LauncherPaths.DomainFolder(source.Vmi.Metadata.Uid!);
        if (devices.AutoattachSerialConsole is not false)
        {
            yield return new XElement("serial", new XAttribute("type", "unix"),
                new XElement("target", new XAttribute("port", 0)),
                Bind($"{folder}/{LauncherPaths.SerialName}"),
                !source.LogsSerialConsole ? null : new XElement("log", new XAttribute("file", $"{folder}/{LauncherPaths.SerialName}-log"), new XAttribute("append", "on")));
            yield return new XElement("console", new XAttribute("type", "pty"), new XElement("target", new XAttribute("type", "serial"), new XAttribute("port", 0)));
        }

        yield return new XElement("channel", new XAttribute("type", "unix"), new XElement("target", new XAttribute("name", "org.qemu.guest_agent.0"), new XAttribute("type", "virtio")));
        if (devices.DownwardMetrics is not null)
        {
            yield return new XElement("channel", new XAttribute("type", "unix"),
                Bind(LauncherPaths.DownwardMetricsChannel),
                new XElement("target", new XAttribute("name", "org.github.vhostmd.1"), new XAttribute("type", "virtio")));
        }

        if (devices.ClientPassthrough is not null)
        {
            for (var slot = 0; slot < LauncherPaths.UsbRedirectionSlots; slot++)
                yield return new XElement("redirdev", new XAttribute("type", "unix"), new XAttribute("bus", "usb"), Bind($"{folder}/{LauncherPaths.UsbRedirectionName(slot)}"));
        }
    }

    private static XElement Bind(string path) => new("source", new XAttribute("mode", "bind"), new XAttribute("path", path));
}
