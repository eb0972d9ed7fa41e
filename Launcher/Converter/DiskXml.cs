using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

internal static class DiskXml
{
    private static readonly string[] Buses = ["virtio", "sata", "scsi", "usb"];

    public static IEnumerable<XElement> Disks(DomainSpec domain, IReadOnlyList<PreparedDisk> prepared)
    {
        var specs = domain.Devices?.Disks ?? [];
        for (var i = 0; i < specs.Count; i++)
        {
            var disk = specs[i];
            var source = prepared.FirstOrDefault(p => p.Name == disk.Name)
                ?? throw new UnsupportedSpecException($"spec.domain.devices.disks[{i}].name", $"no volume is named '{disk.Name}'", isInvalid: true);
            yield return Disk(disk, source, $"spec.domain.devices.disks[{i}]", domain.Devices?.BlockMultiQueue is true);
        }

        if (specs.Any(d => BusOf(d) == "scsi"))
            yield return new XElement("controller", new XAttribute("type", "scsi"), new XAttribute("index", 0), new XAttribute("model", "virtio-scsi"));
    }

    /// <summary>The names disks get in the guest, in their order: vda, vdb … and sda … each for its kind of bus.</summary>
    public static IReadOnlyDictionary<string, string> Targets(DomainSpec domain)
    {
        Dictionary<string, string> targets = [];
        Dictionary<string, int> taken = [];
        foreach (var disk in domain.Devices?.Disks ?? [])
        {
            var prefix = BusOf(disk) == "virtio" ? "vd" : "sd";
            var index = taken.GetValueOrDefault(prefix);
            taken[prefix] = index + 1;
            targets[disk.Name!] = prefix + Letters(index);
        }

        return targets;
    }

    /// <summary>a … z, aa, ab …</summary>
    internal static string Letters(int index) => (index >= 26 ? Letters((index / 26) - 1) : "") + (char)('a' + (index % 26));

    private static XElement Disk(Disk disk, PreparedDisk source, string field, bool multiQueue)
    {
        var bus = BusOf(disk);
        if (!Buses.Contains(bus))
            throw new UnsupportedSpecException($"{field}.bus", $"unrecognized bus '{bus}'", isInvalid: true);
        if (disk.Lun is not null)
            throw new UnsupportedSpecException($"{field}.lun", "is not supported by this launcher");
        if (disk.BlockSize is not null)
            throw new UnsupportedSpecException($"{field}.blockSize", "is not supported by this launcher");
        var isCdrom = disk.Cdrom is not null;
        var driver = new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", source.Format), new XAttribute("error_policy", disk.ErrorPolicy ?? "stop"),
            new XAttribute("discard", "unmap"));
        if (disk.Cache is { Length: > 0 } cache)
            driver.Add(new XAttribute("cache", cache));
        if (disk.Io is { Length: > 0 } io)
            driver.Add(new XAttribute("io", io));
        if (multiQueue && bus == "virtio")
            driver.Add(new XAttribute("queues", 1));
        var element = new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", isCdrom ? "cdrom" : "disk"),
            driver,
            new XElement("source", new XAttribute("file", source.File)),
            source.BackingFile is null ? null : new XElement("backingStore", new XAttribute("type", "file"),
                new XElement("format", new XAttribute("type", source.BackingFormat!)), new XElement("source", new XAttribute("file", source.BackingFile)), new XElement("backingStore")),
            new XElement("target", new XAttribute("dev", source.Target), new XAttribute("bus", bus), isCdrom && disk.Cdrom!.Tray is { Length: > 0 } tray ? new XAttribute("tray", tray) : null),
            new XElement("alias", new XAttribute("name", $"ua-{disk.Name}")));
        if (isCdrom ? disk.Cdrom!.Readonly is not false : disk.DiskValue?.Readonly is true)
            element.Add(new XElement("readonly"));
        if (disk.Shareable is true)
            element.Add(new XElement("shareable"));
        if (disk.Serial is { Length: > 0 } serial)
            element.Add(new XElement("serial", serial));
        if (disk.BootOrder is { } order)
            element.Add(new XElement("boot", new XAttribute("order", order)));
        return element;
    }

    private static string BusOf(Disk disk) => (disk.DiskValue?.Bus ?? disk.Cdrom?.Bus ?? disk.Lun?.Bus) is { Length: > 0 } bus ? bus : disk.Cdrom is null ? "virtio" : "sata";
}
