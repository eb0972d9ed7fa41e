using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Migration;

/// <summary>One thing that keeps a guest from being moved, in KubeVirt's words.</summary>
public sealed record MigrationBlocker(string Reason, string Message);

/// <summary>Whether a guest can be moved: every reason why not, in the order in which KubeVirt looks for the first.</summary>
public static class LiveMigratable
{
    public const string Condition = "LiveMigratable";

    /// <summary>The condition that tells whether volumes can be moved to other claims: disks are no hindrance to that.</summary>
    public const string StorageCondition = "StorageLiveMigratable";
    private const string Disks = "DisksNotLiveMigratable";

    /// <summary>Who sets it knows that the network lets the guest's address come along.</summary>
    private const string BridgeMayMove = "kubevirt.io/allow-pod-bridge-network-live-migration";

    public static IReadOnlyList<MigrationBlocker> Blockers(VirtualMachineInstance vmi, GuestSettings settings)
    {
        var spec = vmi.Spec ?? new VirtualMachineInstanceSpec();
        var domain = spec.Domain ?? new DomainSpec();
        return [.. Interfaces(vmi, spec, domain, settings), .. Devices(domain), .. Security(domain), .. Cpu(vmi, domain), .. Volumes(vmi, spec)];
    }

    public static IReadOnlyList<MigrationBlocker> StorageBlockers(VirtualMachineInstance vmi, GuestSettings settings) => [.. Blockers(vmi, settings).Where(b => b.Reason != Disks)];

    /// <summary>Every claim is one that several nodes may have, or does not have to be at both ends.</summary>
    public static bool DisksAreShared(VirtualMachineInstance vmi) => VolumeSources.All(vmi).Any() && !Volumes(vmi, vmi.Spec ?? new VirtualMachineInstanceSpec()).Any();

    /// <summary>`status.migrationMethod`: whether disks have to be copied along.</summary>
    public static string Method(VirtualMachineInstance vmi) =>
        vmi.Status?.MigratedVolumes is { Count: > 0 } || (vmi.Spec?.Volumes ?? []).Any(v => v.ContainerDisk is not null || v.EmptyDisk is not null || v.CloudInitNoCloud is not null || v.CloudInitConfigDrive is not null || v.Ephemeral is not null)
            ? "BlockMigration" : "LiveMigration";

    private static IEnumerable<MigrationBlocker> Interfaces(VirtualMachineInstance vmi, VirtualMachineInstanceSpec spec, DomainSpec domain, GuestSettings settings)
    {
        var pod = (spec.Networks ?? []).Where(n => n.Pod is not null).Select(n => n.Name).ToHashSet();
        if ((domain.Devices?.Interfaces ?? []).Any(i => pod.Contains(i.Name) && !Moves(i)))
            yield return new("InterfaceNotLiveMigratable", "cannot migrate VMI which does not use masquerade or a migratable plugin to connect to the pod network");

        bool Moves(Interface nic) => nic.Masquerade is not null || nic.PasstBinding is not null || settings.Plugin(nic)?.Migration is not null
            || nic.Bridge is not null && vmi.Metadata.Annotations?.ContainsKey(BridgeMayMove) is true;
    }

    private static IEnumerable<MigrationBlocker> Devices(DomainSpec domain)
    {
        if (domain.Devices?.HostDevices is { Count: > 0 })
            yield return new("HostDeviceNotLiveMigratable", "VMI specifies non-migratable generic PCI host device");
        if (domain.Devices?.Gpus is { Count: > 0 } gpus)
            yield return new("HostDeviceNotLiveMigratable", gpus.Count > 1 ? "VMI specifies too many GPUs" : "VMI specifies non-migratable GPU device");
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

    private static IEnumerable<MigrationBlocker> Cpu(VirtualMachineInstance vmi, DomainSpec domain)
    {
        if (domain.Features?.Hyperv?.Reenlightenment?.Enabled is true && vmi.Status?.TopologyHints?.TscFrequency is null)
            yield return new("NoTSCFrequencyNotLiveMigratable", "HyperV Reenlightenment VMIs cannot migrate when TSC Frequency is not exposed on the cluster: guest timers might be inconsistent");
        if (domain.Features?.HypervPassthrough?.Enabled is true)
            yield return new("HypervPassthroughNotLiveMigratable", "VMI uses hyperv passthrough");
    }

    private static IEnumerable<MigrationBlocker> Volumes(VirtualMachineInstance vmi, VirtualMachineInstanceSpec spec)
    {
        foreach (var volume in spec.Volumes ?? [])
        {
            if (volume.HostDisk is { Shared: not true })
                yield return new(Disks, "cannot migrate VMI with non-shared HostDisk");
            // A claim that is exchanged on the way is not needed at both ends.
            if ((volume.PersistentVolumeClaim?.ClaimName ?? volume.DataVolume?.Name) is { } claim && vmi.Status?.MigratedVolumes?.Any(m => m.VolumeName == volume.Name) is not true && NotShared(vmi, volume.Name!, claim) is { } problem)
                yield return problem;
        }
    }

    /// <param name="volume">As the status names it.</param>
    private static MigrationBlocker? NotShared(VirtualMachineInstance vmi, string volume, string claim)
    {
        const string Needed = "live migration requires that all PVCs must be shared (using ReadWriteMany access mode)";
        var modes = vmi.Status?.VolumeStatus?.FirstOrDefault(s => s.Name == volume)?.PersistentVolumeClaimInfo?.AccessModes;
        return modes is null ? new(Disks, $"cannot migrate VMI: Unable to determine if PVC {claim} is shared, {Needed}")
            : modes.Contains("ReadWriteMany") ? null
            : new(Disks, $"cannot migrate VMI: PVC {claim} is not shared, {Needed}");
    }
}
