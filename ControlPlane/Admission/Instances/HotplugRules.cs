using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>What of a live guest may be plugged and unplugged: volumes that came later, never those it was started with.</summary>
internal static class HotplugRules
{
    /// <summary>The first problem, alone: what follows from it would only confuse.</summary>
    public static IEnumerable<StatusCause> Problems(VirtualMachineInstance old, VirtualMachineInstance vmi, ClusterConfig config)
    {
        var (before, after) = (Context(old, config), Context(vmi, config));
        return new Func<IEnumerable<StatusCause>>[]
        {
            () => Limits(before.Domain, after.Domain), () => UtilityVolumes(old, after), () => Mapping(after), () => Volumes(old, vmi, before, after),
        }.Select(check => check().ToList()).FirstOrDefault(causes => causes.Count > 0) ?? [];
    }

    /// <summary>A disk that is to be plugged in.</summary>
    /// <param name="what">Beginning of the message.</param>
    public static IEnumerable<StatusCause> Disk(Disk? disk, string name, string what, FieldPath field)
    {
        var bus = disk is null ? "" : DiskRules.BusOf(disk);
        var problem = disk switch
        {
            null => $"{what} for [{name}] requires the disk field to be set.",
            { DiskValue: not null } when bus is not ("scsi" or "virtio") => $"{what} for disk [{name}] requires bus to be 'scsi' or 'virtio'. [{bus}] is not permitted.",
            { DiskValue: null, Lun: not null } when bus != "scsi" => $"{what} for LUN [{name}] requires bus to be 'scsi'. [{bus}] is not permitted.",
            { DiskValue: null, Lun: null } => $"{what} for [{name}] requires diskDevice of type 'disk' or 'lun' to be used.",
            { DedicatedIOThread: true } when bus != "virtio" => $"{what} for [{name}] requires virtio bus for IOThreads.",
            _ => null,
        };
        if (problem is not null)
            yield return Cause.Invalid(field, problem);
        else if (disk!.BootOrder < 1)
            yield return Cause.Invalid(new FieldPath("spec.domain.devices.disks[1].bootOrder"), "spec.domain.devices.disks[1] must have a boot order > 0, if supplied");
    }

    private static IEnumerable<StatusCause> Limits(DomainSpec old, DomainSpec domain)
    {
        if ((old.Cpu?.MaxSockets ?? 0) != (domain.Cpu?.MaxSockets ?? 0))
            yield return Problem("CPU topology maxSockets changed");
        else if (old.Memory?.MaxGuest is { } before && domain.Memory?.MaxGuest is { } after && before.Value != after.Value)
            yield return Problem("Memory maxGuest changed");
    }

    private static IEnumerable<StatusCause> UtilityVolumes(VirtualMachineInstance old, InstanceContext after)
    {
        var field = after.Path["utilityVolumes"];
        var volumes = after.Spec.UtilityVolumes ?? [];
        if (volumes.Count > 0 && !after.IsEnabled(FeatureGates.UtilityVolumes))
            return [Cause.Invalid(field, "UtilityVolumes feature gate is not enabled")];
        var causes = volumes.Index().SelectMany(v => UtilityVolume(field, v.Index, volumes, after.Volumes)).ToList();
        if (causes.Count > 0)
            return causes;
        var started = Started(old);
        if (volumes.FirstOrDefault(v => started.Contains(v.Name.OrEmpty())) is { } permanent)
            return [Problem($"utility volume {permanent.Name} cannot be a permanent volume, utility volumes must always be hotplug")];
        return volumes.Where(v => old.Spec?.UtilityVolumes?.FirstOrDefault(o => o.Name == v.Name) is { } same && !ApiEquality.Same(same, v))
            .Take(1).Select(v => Problem($"utility volume {v.Name} has changed"));
    }

    private static IEnumerable<StatusCause> UtilityVolume(FieldPath list, int index, IReadOnlyList<UtilityVolume> all, IReadOnlyList<Volume> volumes)
    {
        var (field, name) = (list[index], all[index].Name.OrEmpty());
        if (name.Length == 0)
            yield return Cause.Required(field["name"], "UtilityVolume 'name' must be set");
        if (all.Take(index).Index().FirstOrDefault(o => o.Item.Name.OrEmpty() == name) is { Item: not null } same)
            yield return Cause.Duplicate(field["name"], $"{field} and {list[same.Index]} must not have the same Name.");
        if (volumes.Index().LastOrDefault(v => v.Item.Name.OrEmpty() == name) is { Item: not null } regular)
        {
            yield return Cause.Duplicate(field["name"],
                $"{field} conflicts with {FieldPath.Spec["volumes"][regular.Index]}. UtilityVolume names must be unique across both volumes and utilityVolumes.");
        }

        if (all[index].ClaimName is null or "")
            yield return Cause.Required(field["claimName"], "UtilityVolume PVC 'claimName' must be set");
    }

    /// <summary>Each volume has one disk or filesystem, and each of those its volume; a CD drive may be empty.</summary>
    private static IEnumerable<StatusCause> Mapping(InstanceContext c)
    {
        var names = c.Volumes.Where(v => v.MemoryDump is null).Select(v => v.Name.OrEmpty()).ToHashSet();
        var mayBeEmpty = c.IsEnabled(FeatureGates.DeclarativeHotplugVolumes);
        var required = c.Filesystems.Count + c.Disks.Count(d => names.Contains(d.Name.OrEmpty()) || d.Cdrom is null || !mayBeEmpty);
        if (required != names.Count)
            yield return Problem($"mismatch between volumes declared ({names.Count}) and required ({required})");
    }

    private static IEnumerable<StatusCause> Volumes(VirtualMachineInstance old, VirtualMachineInstance vmi, InstanceContext before, InstanceContext after)
    {
        var started = Started(old);
        var migrated = (vmi.Status?.MigratedVolumes ?? []).Select(v => v.VolumeName.OrEmpty()).ToHashSet();
        var (oldVolumes, newVolumes) = (ByName(before.Volumes, v => v.Name), ByName(after.Volumes, v => v.Name));
        var (oldDisks, newDisks) = (ByName(before.Disks, d => d.Name), ByName(after.Disks, d => d.Name));
        if (newVolumes.Keys.Count(started.Contains) != oldVolumes.Keys.Count(started.Contains))
            return [Problem("Number of permanent volumes has changed")];
        // What the guest was started with comes first, wherever in the list it stands.
        return newVolumes.Where(v => started.Contains(v.Key)).Select(v => Permanent(v.Key, v.Value, oldVolumes.GetValueOrDefault(v.Key)))
            .Concat(newVolumes.Where(v => !started.Contains(v.Key)).Select(v => Plugged(v.Key, v.Value, oldVolumes.GetValueOrDefault(v.Key))))
            .FirstOrDefault(causes => causes.Any()) ?? [];

        IEnumerable<StatusCause> Permanent(string name, Volume volume, Volume? was)
        {
            if (was is null)
                yield return Problem($"permanent volume {name}, not found");
            else if (!migrated.Contains(name) && !ApiEquality.Same(was, volume))
                yield return Problem($"permanent volume {name}, changed");
            else if (!migrated.Contains(name) && !ApiEquality.Same(oldDisks.GetValueOrDefault(name), newDisks.GetValueOrDefault(name)))
                yield return Problem($"permanent disk {name}, changed");
        }

        IEnumerable<StatusCause> Plugged(string name, Volume volume, Volume? was)
        {
            var (disk, oldDisk) = (newDisks.GetValueOrDefault(name), oldDisks.GetValueOrDefault(name));
            if (was is not null && !migrated.Contains(name) && !ApiEquality.Same(was, volume))
                return [Problem($"hotplug volume {name}, changed")];
            if (was is null && volume is { DataVolume: null, PersistentVolumeClaim: null, MemoryDump: null })
                return [Problem($"volume {name} is not a PVC or DataVolume")];
            if (volume.MemoryDump is not null)
                return [];
            if (disk is null)
                return [Problem(was is null ? $"disk {name} does not exist" : $"volume {name} doesn't have a matching disk")];
            if (was is not null)
                return ApiEquality.Same(disk, oldDisk) ? [] : [Problem($"hotplug disk {name}, changed")];
            return oldDisk is null ? Disk(disk, name, "Hotplug configuration", FieldPath.Root) : [];
        }
    }

    /// <summary>Volumes that the guest was started with.</summary>
    private static HashSet<string> Started(VirtualMachineInstance vmi) =>
        (vmi.Status?.VolumeStatus ?? []).Where(v => v.HotplugVolume is null).Select(v => v.Name.OrEmpty()).ToHashSet();

    private static Dictionary<string, T> ByName<T>(IEnumerable<T> items, Func<T, string?> name) => items.GroupBy(i => name(i).OrEmpty()).ToDictionary(g => g.Key, g => g.Last());

    private static InstanceContext Context(VirtualMachineInstance vmi, ClusterConfig config) => new(FieldPath.Spec, vmi.Spec ?? new VirtualMachineInstanceSpec(), config);

    private static StatusCause Problem(string message) => Cause.Invalid(FieldPath.Root, message);
}
