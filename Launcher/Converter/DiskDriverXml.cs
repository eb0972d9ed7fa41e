using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>How QEMU reads and writes a disk.</summary>
internal static class DiskDriverXml
{
    public static XElement Driver(DomainSource source, Disk disk, PreparedDisk? prepared, string bus)
    {
        // Past the page cache where the storage can; a file system that cannot (tmpfs) at least writes through.
        var cache = disk.Cache is { Length: > 0 } set ? set : prepared is null or { HasDirectIo: true } ? "none" : "writethrough";
        var io = disk.Io is { Length: > 0 } chosen ? chosen : cache == "none" && prepared is { IsBlock: true } or { IsPreallocated: true } ? "native" : null;
        var threads = bus == "virtio" ? IoThreads.Of(source.Domain) : null;
        return new XElement("driver",
            new XAttribute("cache", DiskXml.IsShared(disk) ? "none" : cache),
            new XAttribute("error_policy", disk.ErrorPolicy is { Length: > 0 } policy ? policy : "stop"),
            new XAttribute("name", "qemu"),
            new XAttribute("type", prepared?.Format ?? "raw"),
            io is null ? null : new XAttribute("io", io),
            threads?.ByDisk.TryGetValue(disk.Name!, out var thread) is true ? new XAttribute("iothread", thread) : null,
            bus == "virtio" && source.Devices.BlockMultiQueue is true ? new XAttribute("queues", source.Cpus.Count) : null,
            Discards(source, disk) ? new XAttribute("discard", "unmap") : null,
            bus == "virtio" ? LaunchSecurityXml.Iommu(source) : null);
    }

    /// <summary>A volume whose blocks were all allocated beforehand is to keep them; a CD made of data has none to give back.</summary>
    private static bool Discards(DomainSource source, Disk disk) =>
        source.Vmi.Status?.VolumeStatus?.FirstOrDefault(v => v.Name == disk.Name)?.PersistentVolumeClaimInfo?.Preallocated is not true
        && source.Spec.Volumes?.FirstOrDefault(v => v.Name == disk.Name) is var volume
        && (disk.Cdrom is null ? volume?.DownwardMetrics is null
            : volume is null or { PersistentVolumeClaim: not null } or { DataVolume: not null } or { Ephemeral: not null } or { ContainerDisk: not null } or { EmptyDisk: not null });

    public static XElement? Blockio(Disk disk, PreparedDisk? prepared, string field)
    {
        if (disk.BlockSize is not { } size)
            return null;
        if (size.Custom is { } custom)
        {
            if (custom.Logical is not (>= 512 and <= 2097152) || custom.Physical is not (>= 512 and <= 2097152))
                throw new UnsupportedSpecException($"{field}.blockSize.custom", "logical and physical must be between 512 and 2097152", isInvalid: true);
            return new XElement("blockio",
                new XAttribute("logical_block_size", custom.Logical), new XAttribute("physical_block_size", custom.Physical),
                custom.DiscardGranularity is { } discard ? new XAttribute("discard_granularity", discard) : null);
        }

        return size.MatchVolume is null or { Enabled: false } || prepared is not { LogicalBlockSize: > 0 }
            ? null
            : new XElement("blockio", new XAttribute("logical_block_size", prepared.LogicalBlockSize), new XAttribute("physical_block_size", prepared.PhysicalBlockSize),
                new XAttribute("discard_granularity", prepared.DiscardGranularity));
    }
}
