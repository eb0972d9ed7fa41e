using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>How disks and filesystems map to volumes, and the order in which devices are tried at boot.</summary>
internal static class BootAndMappingRules
{
    private static readonly string[] ReservedPaths = ["/var/run/kubevirt", "/var/run/libvirt"];

    public static IEnumerable<StatusCause> DisksAndBootOrder(InstanceContext c)
    {
        var volumes = c.Volumes.GroupBy(v => v.Name.OrEmpty()).ToDictionary(g => g.Key, g => g.Last());
        HashSet<int> orders = [];
        foreach (var (index, disk) in c.Disks.Index())
        {
            var field = c.DevicesPath["disks"][index];
            volumes.TryGetValue(disk.Name.OrEmpty(), out var volume);
            foreach (var cause in Mapping(c, field, disk, volume))
                yield return cause;
            if (disk.BootOrder is { } order && !orders.Add(order))
                yield return Cause.Invalid(field["bootOrder"], $"Boot order for {field["bootOrder"]} already set for a different device.");
        }

        foreach (var (index, nic) in c.Interfaces.Index())
        {
            var field = c.DevicesPath["interfaces"][index]["bootOrder"];
            if (nic.BootOrder < 1)
                yield return Cause.Invalid(c.Path[index]["bootOrder"], $"{c.Path[index]} must have a boot order > 0, if supplied");
            else if (nic.BootOrder is { } order && !orders.Add(order))
                yield return Cause.Invalid(field, $"Boot order for {field} already set for a different device.");
        }
    }

    private static IEnumerable<StatusCause> Mapping(InstanceContext c, FieldPath field, Disk disk, Volume? volume)
    {
        if (volume is null && disk.Cdrom is null)
            yield return Cause.Invalid(field["name"], $"{field["Name"]} '{disk.Name}' not found.");
        else if (volume is null && !c.IsEnabled(FeatureGates.DeclarativeHotplugVolumes))
            yield return Cause.Invalid(field["name"], $"{FeatureGates.DeclarativeHotplugVolumes} feature gate not enabled, cannot define an empty CD-ROM disk");
        if (disk.Lun is not null && volume is { PersistentVolumeClaim: null, DataVolume: null })
            yield return Cause.Invalid(field["lun"], $"{field["lun"]} can only be mapped to a DataVolume or PersistentVolumeClaim volume.");
        if (volume?.DownwardMetrics is null)
            yield break;
        if (disk.DiskValue is null)
            yield return Cause.Required(field["disk"], $"DownwardMetrics volume must be mapped to a disk, but disk is not set on {field["disk"]}.");
        else if (disk.DiskValue.Bus is not (null or "" or "virtio"))
            yield return Cause.Invalid(field.At("disk", "bus"), $"DownwardMetrics volume must be mapped to virtio bus, but {field.At("disk", "bus")} is set to {disk.DiskValue.Bus}");
    }

    /// <summary>Of a VMI alone: in a template a volume may still wait for its disk.</summary>
    public static IEnumerable<StatusCause> VolumesAreUsed(InstanceContext c)
    {
        var disks = c.Disks.Select(d => d.Name.OrEmpty()).ToHashSet();
        var filesystems = c.Filesystems.Select(f => f.Name.OrEmpty()).ToHashSet();
        foreach (var (index, volume) in c.Volumes.Index().Where(v => v.Item.MemoryDump is null))
        {
            var (field, name) = (c.DomainPath["volumes"][index], volume.Name.OrEmpty());
            var (onDisk, onFilesystem) = (disks.Contains(name), filesystems.Contains(name));
            if (!onDisk && !onFilesystem)
                yield return Cause.Invalid(field["name"], $"{field["name"]} '{name}' not found.");
            if (volume.ContainerPath is not { } containerPath)
                continue;
            if (onDisk)
                yield return Cause.Invalid(field, $"ContainerPath volume '{name}' must be mapped to a filesystem, not a disk");
            if (!onFilesystem)
                yield return Cause.Invalid(field, $"ContainerPath volume '{name}' must have a matching filesystem defined in spec.domain.devices.filesystems");
            if (ReservedPaths.FirstOrDefault(p => containerPath.Path.OrEmpty().StartsWith(p, StringComparison.Ordinal)) is { } reserved)
                yield return Cause.Invalid(field.At("containerPath", "path"), $"ContainerPath volume '{name}' uses reserved path prefix '{reserved}'");
        }
    }

    public static IEnumerable<StatusCause> SharedFilesystems(InstanceContext c)
    {
        if (c.IsEnabled(FeatureGates.VirtioFsStorageVolumes))
            return [];
        return c.Filesystems
            .Where(f => c.Volumes.LastOrDefault(v => v.Name == f.Name) is { } volume && (volume.PersistentVolumeClaim ?? (object?)volume.DataVolume) is not null)
            .Select(_ => Cause.Invalid(c.DevicesPath["filesystems"], "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC"));
    }
}
