using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Volumes and what they are filled from.</summary>
internal static class VolumeRules
{
    public static IEnumerable<StatusCause> Volumes(InstanceContext c)
    {
        var field = c.Path["volumes"];
        Dictionary<string, int> seen = [];
        foreach (var (index, volume) in c.Volumes.Index())
        {
            if (!seen.TryAdd(volume.Name.OrEmpty(), index))
                yield return Cause.Invalid(field[index]["name"], $"{field[index]} and {field[seen[volume.Name.OrEmpty()]]} must not have the same Name.");
            foreach (var cause in Of(c, field[index], volume))
                yield return cause;
        }

        if (c.Volumes.Count(v => v.ServiceAccount is not null) > 1)
            yield return Cause.Invalid(field, $"{field} must have max one serviceAccount volume set");
        if (c.Volumes.Count(v => v.DownwardMetrics is not null) > 1)
            yield return Cause.Invalid(field, $"{field} must have max one downwardMetric volume set");
        if (c.Volumes.Count(v => v.MemoryDump is not null) > 1)
            yield return Cause.Invalid(field, $"{field} must have max one memory dump volume set");
    }

    public static IEnumerable<StatusCause> ContainerDiskPaths(InstanceContext c) =>
        c.Volumes.Index().SelectMany(v => Paths.AbsoluteFile(c.Path["volumes"][v.Index]["containerDisk"], v.Item.ContainerDisk?.Path));

    /// <summary>Utility volumes come and go at run time only.</summary>
    public static IEnumerable<StatusCause> NoUtilityVolumes(InstanceContext c)
    {
        if (c.Spec.UtilityVolumes is not null)
            yield return Cause.Invalid(c.Path["utilityVolumes"], "cannot create VMI with utility volumes in spec, utility volumes can only be added via hotplug");
    }

    private static IEnumerable<StatusCause> Of(InstanceContext c, FieldPath field, Volume volume)
    {
        if (volume.DataVolume is { Name: null or "" })
            yield return Cause.Required(field["name"], "DataVolume 'name' must be set");
        if (Sources(volume).Count(s => s is not null) != 1)
            yield return Cause.Invalid(field, $"{field} must have exactly one source type set");
        foreach (var cause in CloudInitRules.Of(field, volume))
            yield return cause;
        if (volume.DownwardMetrics is not null && !c.IsEnabled(FeatureGates.DownwardMetrics))
            yield return Cause.Invalid(field, "downwardMetrics disks are not allowed: DownwardMetrics feature gate is not enabled.");
        if (volume.HostDisk is { } hostDisk)
        {
            foreach (var cause in HostDisk(c, field, hostDisk))
                yield return cause;
        }

        if (volume.ConfigMap is { Name: null or "" })
            yield return RequiredField(field.At("configMap", "name"));
        if (volume.Secret is { SecretName: null or "" })
            yield return RequiredField(field.At("secret", "secretName"));
        if (volume.ServiceAccount is { ServiceAccountName: null or "" })
            yield return RequiredField(field.At("serviceAccount", "serviceAccountName"));
    }

    private static IEnumerable<StatusCause> HostDisk(InstanceContext c, FieldPath field, HostDisk disk)
    {
        var path = field["hostDisk"];
        if (!c.IsEnabled(FeatureGates.HostDisk))
            yield return Cause.Invalid(field, "HostDisk feature gate is not enabled");
        if (disk.Path is null or "")
            yield return Cause.NotFound(path["path"], $"{path["path"]} is required for hostDisk volume");
        if (disk.Type is not ("Disk" or "DiskOrCreate"))
            yield return Cause.Invalid(path["type"], $"{path["type"]} has invalid value '{disk.Type}', allowed are 'Disk' or 'DiskOrCreate'");
        if (disk is { Type: "Disk", Capacity.Value: not 0 })
            yield return Cause.Invalid(path["capacity"], $"{path["capacity"]} is allowed to pass only with {path["type"]} equal to 'DiskOrCreate'");
    }

    private static StatusCause RequiredField(FieldPath field) => Cause.Invalid(field, $"{field} is a required field");

    private static object?[] Sources(Volume v) =>
    [
        v.PersistentVolumeClaim, v.Sysprep, v.CloudInitNoCloud, v.CloudInitConfigDrive, v.ContainerDisk, v.Ephemeral, v.EmptyDisk, v.HostDisk, v.DataVolume,
        v.ConfigMap, v.Secret, v.DownwardAPI, v.ServiceAccount, v.DownwardMetrics, v.MemoryDump, v.ContainerPath,
    ];
}
