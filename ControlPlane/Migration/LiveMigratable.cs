using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Migration;

/// <summary>One thing that keeps a guest from being moved, in KubeVirt's words.</summary>
public sealed record MigrationBlocker(string Reason, string Message);

/// <summary>Whether a guest can be moved: every reason why not, in the order in which KubeVirt looks for the first.</summary>
public static class LiveMigratable
{
    public const string Condition = "LiveMigratable";

    public static IReadOnlyList<MigrationBlocker> Blockers(VirtualMachineInstance vmi)
    {
        var spec = vmi.Spec ?? new VirtualMachineInstanceSpec();
        var domain = spec.Domain ?? new DomainSpec();
        return [.. Interfaces(spec, domain), .. Devices(domain), .. Security(domain), .. Cpu(domain), .. Volumes(vmi, spec)];
    }

    /// <summary>`status.migrationMethod`: whether disks have to be copied along.</summary>
    public static string Method(VirtualMachineInstance vmi) =>
        (vmi.Spec?.Volumes ?? []).Any(v => v.ContainerDisk is not null || v.EmptyDisk is not null || v.CloudInitNoCloud is not null || v.CloudInitConfigDrive is not null || v.Ephemeral is not null)
            ? "BlockMigration" : "LiveMigration";

    private static IEnumerable<MigrationBlocker> Interfaces(VirtualMachineInstanceSpec spec, DomainSpec domain)
    {
        var pod = (spec.Networks ?? []).Where(n => n.Pod is not null).Select(n => n.Name).ToHashSet();
        if ((domain.Devices?.Interfaces ?? []).Any(i => pod.Contains(i.Name) && i.Masquerade is null))
            yield return new("InterfaceNotLiveMigratable", "cannot migrate VMI which does not use masquerade or a migratable plugin to connect to the pod network");
    }

    private static IEnumerable<MigrationBlocker> Devices(DomainSpec domain)
    {
        if (domain.Devices?.HostDevices is { Count: > 0 })
            yield return new("HostDeviceNotLiveMigratable", "VMI specifies non-migratable generic PCI host device");
        if (domain.Devices?.Gpus is { Count: > 0 })
            yield return new("HostDeviceNotLiveMigratable", "VMI specifies non-migratable GPU device");
        if (domain.Devices?.Filesystems is { Count: > 0 })
            yield return new("VirtIOFSNotLiveMigratable", "VMI uses virtiofs");
        if ((domain.Devices?.Disks ?? []).Any(d => d.Lun?.Reservation is true))
            yield return new("PersistentReservationNotLiveMigratable", "VMI uses SCSI persistent reservation");
    }

    private static IEnumerable<MigrationBlocker> Security(DomainSpec domain)
    {
        if (domain.LaunchSecurity?.Sev is not null || domain.LaunchSecurity?.Snp is not null)
            yield return new("SEVNotLiveMigratable", "VMI uses SEV");
        if (domain.LaunchSecurity?.Tdx is not null)
            yield return new("TDXNotLiveMigratable", "VMI uses TDX");
    }

    private static IEnumerable<MigrationBlocker> Cpu(DomainSpec domain)
    {
        if (domain.Features?.HypervPassthrough?.Enabled is true)
            yield return new("HypervPassthroughNotLiveMigratable", "VMI uses hyperv passthrough");
    }

    private static IEnumerable<MigrationBlocker> Volumes(VirtualMachineInstance vmi, VirtualMachineInstanceSpec spec)
    {
        foreach (var volume in spec.Volumes ?? [])
        {
            if (volume.HostDisk is { Shared: not true })
                yield return new("DisksNotLiveMigratable", "cannot migrate VMI with non-shared HostDisk");
            if ((volume.PersistentVolumeClaim?.ClaimName ?? volume.DataVolume?.Name) is not { } claim)
                continue;
            var known = vmi.Status?.VolumeStatus?.FirstOrDefault(s => s.Name == volume.Name)?.PersistentVolumeClaimInfo?.AccessModes;
            if (known is null)
                yield return new("DisksNotLiveMigratable", $"cannot migrate VMI: Unable to determine if PVC {claim} is shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)");
            else if (!known.Contains("ReadWriteMany"))
                yield return new("DisksNotLiveMigratable", $"cannot migrate VMI: PVC {claim} is not shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)");
        }
    }
}
