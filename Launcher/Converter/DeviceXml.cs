using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>The small devices.</summary>
internal static class DeviceXml
{
    public static IEnumerable<XElement> Devices(DomainSource source)
    {
        var devices = source.Devices;
        yield return Memballoon(source);
        if (devices.Rng is not null)
        {
            yield return new XElement("rng", new XAttribute("model", source.VirtioModel),
                new XElement("backend", new XAttribute("model", "random"), "/dev/urandom"), Driver(source));
        }

        foreach (var input in devices.Inputs ?? [])
            yield return Input(source, input);
        if (devices.Sound is { } sound)
            yield return new XElement("sound", new XAttribute("model", sound.Model is { Length: > 0 } model ? model : "ich9"), Alias(sound.Name));
        if (devices.Watchdog is { } watchdog)
            yield return Watchdog(watchdog);
        foreach (var panic in devices.PanicDevices ?? [])
            yield return new XElement("panic", panic.Model is { Length: > 0 } model ? new XAttribute("model", model) : null);
        if (devices.Tpm is { Enabled: not false } tpm)
            yield return Tpm(source, tpm);
        if (devices.AutoattachVSOCK is true)
            yield return Vsock(source);
    }

    public static string BusOf(Input input) => input.Bus is { Length: > 0 } bus ? bus : "usb";

    private static XElement Memballoon(DomainSource source)
    {
        if (source.Devices.AutoattachMemBalloon is false)
            return new XElement("memballoon", new XAttribute("model", "none"));
        var givesBack = source.ReportsFreePages && !source.HasDedicatedCpus && source.Domain.Memory?.Hugepages is null && source.HostDevices.Count == 0;
        return new XElement("memballoon", new XAttribute("model", source.VirtioModel), new XAttribute("freePageReporting", givesBack ? "on" : "off"),
            source.BalloonPeriod > 0 ? new XElement("stats", new XAttribute("period", source.BalloonPeriod)) : null, Driver(source));
    }

    private static XElement Input(DomainSource source, Input input)
    {
        var bus = BusOf(input);
        if (bus is not ("usb" or "virtio"))
            throw new UnsupportedSpecException("spec.domain.devices.inputs", $"Input device can have only virtio or usb bus, not '{bus}'", isInvalid: true);
        if (input.Type is not "tablet")
            throw new UnsupportedSpecException("spec.domain.devices.inputs", $"Input device can have only tablet type, not '{input.Type}'", isInvalid: true);
        return new XElement("input", new XAttribute("type", input.Type), new XAttribute("bus", bus), bus is "virtio" ? new XAttribute("model", "virtio") : null, Alias(input.Name));
    }

    private static XElement Watchdog(Watchdog watchdog)
    {
        if (watchdog.Diag288 is not null)
            throw new UnsupportedSpecException("spec.domain.devices.watchdog.diag288", "is a device of s390x; this node runs amd64 guests");
        return new XElement("watchdog", new XAttribute("model", "i6300esb"), new XAttribute("action", watchdog.I6300esb?.Action is { Length: > 0 } action ? action : "reset"), Alias(watchdog.Name));
    }

    private static XElement Tpm(DomainSource source, TPMDevice tpm)
    {
        if (!source.Host.HasSwtpm)
            throw new UnsupportedSpecException("spec.domain.devices.tpm", "this node has no swtpm");
        var keeps = tpm.Persistent is true;
        return new XElement("tpm", new XAttribute("model", keeps ? "tpm-crb" : "tpm-tis"),
            new XElement("backend", new XAttribute("type", "emulator"), new XAttribute("version", "2.0"), keeps ? new XAttribute("persistent_state", "yes") : null));
    }

    private static XElement Vsock(DomainSource source)
    {
        const string Field = "spec.domain.devices.autoattachVSOCK";
        if (!source.Host.HasVhostVsock)
            throw new UnsupportedSpecException(Field, "this node has no /dev/vhost-vsock");
        var cid = source.Vmi.Status?.VSOCKCID ?? throw new UnsupportedSpecException(Field, "the VMI was given no context id (status.VSOCKCID)");
        // vhost-vsock is a modern device only.
        return new XElement("vsock", new XAttribute("model", "virtio-non-transitional"), new XElement("cid", new XAttribute("auto", "no"), new XAttribute("address", cid)));
    }

    private static XElement? Driver(DomainSource source) => LaunchSecurityXml.Iommu(source) is { } iommu ? new XElement("driver", iommu) : null;

    private static XElement? Alias(string? name) => name is { Length: > 0 } ? new XElement("alias", new XAttribute("name", $"ua-{name}")) : null;
}
