using System.Xml.Linq;
using Troupe.Launcher.Hotplug;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Disks;

/// <summary>Disks that get another claim while their guest moves: QEMU at the source writes what they hold into what is prepared here.</summary>
internal static class CopiedDisks
{
    /// <summary>Where the new claim is, in the target's pod.</summary>
    public static string FileOf(CopiedVolume volume) => (volume.IsPlugged, volume.IsBlock) switch
    {
        (true, true) => LauncherPaths.PluggedDevice(volume.Name),
        (true, false) => LauncherPaths.PluggedImage(volume.Name),
        (false, true) => LauncherPaths.BlockDevice(volume.Name),
        _ => LauncherPaths.ClaimImage(volume.Name),
    };

    /// <summary>At the target: room for each. QEMU copies only onto a disk of the same size; of a device, that much is used.</summary>
    /// <exception cref="IOException">There is less room than the disk needs, or the file cannot be made.</exception>
    public static void MakeRoom(IReadOnlyList<CopiedVolume> volumes)
    {
        foreach (var volume in volumes)
            MakeRoom(volume, FileOf(volume));
    }

    /// <summary>What a migration is to make of the domain's XML: the disks as the target has them. Null when they are there as they are here.</summary>
    /// <param name="domain">libvirt's XML of the running domain.</param>
    public static XElement? Redirect(XElement domain, IReadOnlyList<CopiedVolume> volumes)
    {
        var copy = new XElement(domain);
        var disks = LiveDomain.Devices(copy, "disk");
        var changed = false;
        foreach (var volume in volumes)
        {
            if (!disks.TryGetValue($"ua-{volume.Name}", out var disk) || disk.Element("source") is not { } present || !Differs(disk, present, volume))
                continue;
            changed = true;
            disk.SetAttributeValue("type", volume.IsBlock ? "block" : "file");
            disk.Element("backingStore")?.Remove();
            present.ReplaceWith(new XElement("source", new XAttribute(volume.IsBlock ? "dev" : "file", FileOf(volume)),
                // A device is rarely as small as the disk it takes over; the guest must not see it grow in mid-flight.
                volume.IsBlock ? new XElement("slices", new XElement("slice", new XAttribute("type", "storage"), new XAttribute("offset", 0), new XAttribute("size", volume.SizeBytes))) : null));
        }

        return changed ? copy : null;
    }

    internal static void MakeRoom(CopiedVolume volume, string file)
    {
        if (volume.IsBlock)
        {
            if (DiskImage.Length(file) is var length && length < volume.SizeBytes)
                throw TooSmall(volume, length);
            return;
        }

        var folder = Path.GetDirectoryName(file)!;
        var has = File.Exists(file) ? DiskImage.Length(file) : 0;
        if (has == volume.SizeBytes)
            return;
        if (has + new DriveInfo(folder).AvailableFreeSpace is var room && room < volume.SizeBytes)
            throw TooSmall(volume, room);
        using var image = File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.Write);
        RandomAccess.SetLength(image, volume.SizeBytes);
    }

    private static bool Differs(XElement disk, XElement source, CopiedVolume volume) => volume.IsBlock
        || disk.Attribute("type")?.Value != "file" || source.Attribute("file")?.Value != FileOf(volume) || source.Element("slices") is not null;

    private static IOException TooSmall(CopiedVolume volume, long room) =>
        new($"{MigrationProtocol.DestinationTooSmall}: volume {volume.Name} has {volume.SizeBytes} bytes, and there is room for {room}");
}
