using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

internal static class DiskXml
{
    private static readonly string[] Buses = ["virtio", "sata", "scsi", "usb"];

    public static IEnumerable<XElement> Disks(DomainSource source)
    {
        var specs = source.Devices.Disks ?? [];
        for (var i = 0; i < specs.Count; i++)
        {
            var disk = specs[i];
            var prepared = source.Disks.FirstOrDefault(p => p.Name == disk.Name);
            if (prepared is null && disk.Cdrom is null)
            {
                // What is plugged into a running guest may come later; everything else has to be there.
                if (IsHotpluggable(source.Spec, disk.Name))
                    continue;
                throw new UnsupportedSpecException($"spec.domain.devices.disks[{i}].name", $"no volume is named '{disk.Name}'", isInvalid: true);
            }

            yield return Disk(source, disk, prepared, $"spec.domain.devices.disks[{i}]");
        }
    }

    public static bool IsHotpluggable(VirtualMachineInstanceSpec spec, string? name) => spec.Volumes?.FirstOrDefault(v => v.Name == name) is
    { PersistentVolumeClaim.Hotpluggable: true } or { DataVolume.Hotpluggable: true } or { MemoryDump: not null };

    /// <param name="prepared">Null for a CD-ROM drive with nothing in it.</param>
    /// <param name="field">Of the disk, for what is wrong with it.</param>
    public static XElement Disk(DomainSource source, Disk disk, PreparedDisk? prepared, string field)
    {
        var bus = DiskTargets.BusOf(disk);
        if (!Buses.Contains(bus))
            throw new UnsupportedSpecException($"{field}.bus", $"unrecognized bus '{bus}'", isInvalid: true);
        if (disk.Lun is not null && prepared is { IsBlock: false })
            throw new UnsupportedSpecException($"{field}.lun", "can only be mapped to a block volume", isInvalid: true);
        var target = prepared?.Target ?? DiskTargets.Of(source.Domain)[disk.Name!];
        return new XElement("disk",
            new XAttribute("device", disk.Lun is not null ? "lun" : disk.Cdrom is not null ? "cdrom" : "disk"),
            new XAttribute("type", prepared?.IsBlock is true ? "block" : "file"),
            bus == "virtio" ? new XAttribute("model", source.VirtioModel) : null,
            Source(disk, prepared),
            new XElement("target", new XAttribute("bus", bus), new XAttribute("dev", target), disk.Cdrom?.Tray is { Length: > 0 } tray ? new XAttribute("tray", tray) : null),
            DiskDriverXml.Driver(source, disk, prepared, bus),
            new XElement("alias", new XAttribute("name", $"ua-{disk.Name}")),
            DiskDriverXml.Blockio(disk, prepared, field),
            prepared?.BackingFile is null ? null : new XElement("backingStore", new XAttribute("type", "file"),
                new XElement("format", new XAttribute("type", prepared.BackingFormat!)), new XElement("source", new XAttribute("file", prepared.BackingFile))),
            Address(disk, prepared, bus, target, field),
            IsReadonly(disk) || prepared is { IsReadonly: true } ? new XElement("readonly") : null,
            IsShared(disk) ? new XElement("shareable") : null,
            IsPlain(disk) && disk.Serial is { Length: > 0 } serial ? new XElement("serial", serial) : null,
            disk.BootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null);
    }

    /// <summary>A LUN's serial number is its own, and who may share it the storage decides.</summary>
    private static bool IsPlain(Disk disk) => disk is { Lun: null, Cdrom: null };

    internal static bool IsShared(Disk disk) => IsPlain(disk) && disk.Shareable is true;

    private static bool IsReadonly(Disk disk) => disk.Cdrom is { } cdrom ? cdrom.Readonly is not false : (disk.DiskValue?.Readonly ?? disk.Lun?.Readonly) is true;

    private static XElement? Source(Disk disk, PreparedDisk? prepared)
    {
        if (prepared is null)
            return null;
        var source = new XElement("source", new XAttribute(prepared.IsBlock ? "dev" : "file", prepared.File));
        if (disk.Lun?.Reservation is true)
        {
            source.Add(new XElement("reservations", new XAttribute("managed", "no"), new XAttribute("migration", "yes"),
                new XElement("source", new XAttribute("type", "unix"), new XAttribute("path", LauncherPaths.PersistentReservations), new XAttribute("mode", "client"))));
        }

        return source;
    }

    private static XElement? Address(Disk disk, PreparedDisk? prepared, string bus, string target, string field)
    {
        if (disk.DiskValue?.PciAddress is { Length: > 0 } pci)
        {
            return bus == "virtio"
                ? PciAddress.Parse(pci, $"{field}.disk.pciAddress")
                : throw new UnsupportedSpecException($"{field}.disk.pciAddress", "setting a PCI address is not allowed for non-virtio bus types", isInvalid: true);
        }

        // Ends of the name and the address go together, so a disk that comes back finds its old place.
        return disk.Cdrom is null && bus == "scsi"
            ? new XElement("address", new XAttribute("type", "drive"), new XAttribute("controller", 0), new XAttribute("bus", 0), new XAttribute("unit", DiskTargets.IndexOf(target)))
            : null;
    }
}
