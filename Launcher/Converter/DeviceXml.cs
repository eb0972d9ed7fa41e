using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>The small devices.</summary>
internal static class DeviceXml
{
    /// <summary>Seconds between memory statistics, as KubeVirt configures them.</summary>
    private const int BalloonPeriod = 10;

    public static IEnumerable<XElement> Devices(Devices? devices)
    {
        var inputs = devices?.Inputs ?? [];
        if (inputs.All(i => i.Bus is "virtio") && devices?.Disks?.All(d => d.DiskValue?.Bus is not "usb") is not false)
            yield return new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none"));
        if (devices?.AutoattachMemBalloon is not false)
            yield return new XElement("memballoon", new XAttribute("model", "virtio"), new XElement("stats", new XAttribute("period", BalloonPeriod)));
        else
            yield return new XElement("memballoon", new XAttribute("model", "none"));
        if (devices?.Rng is not null)
            yield return new XElement("rng", new XAttribute("model", "virtio"), new XElement("backend", new XAttribute("model", "random"), "/dev/urandom"));
        foreach (var input in inputs)
            yield return new XElement("input", new XAttribute("type", input.Type ?? "tablet"), new XAttribute("bus", input.Bus is { Length: > 0 } bus ? bus : "usb"));
        if (devices?.Sound is { } sound)
            yield return new XElement("sound", new XAttribute("model", sound.Model is { Length: > 0 } model ? model : "ich9"));
        if (devices?.Watchdog is { } watchdog)
            yield return new XElement("watchdog", new XAttribute("model", "i6300esb"), new XAttribute("action", watchdog.I6300esb?.Action is { Length: > 0 } action ? action : "reset"));
    }
}
