using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>What a VMI's volumes need outside of it.</summary>
public static class VolumeSources
{
    /// <summary>The claim that holds the volume; null for one that needs none. A DataVolume's claim has its name.</summary>
    public static string? ClaimOf(Volume volume) =>
        volume.PersistentVolumeClaim?.ClaimName ?? volume.DataVolume?.Name ?? volume.Ephemeral?.PersistentVolumeClaim?.ClaimName ?? volume.MemoryDump?.ClaimName;

    /// <summary>Brought to the guest by a pod of its own, and so not by the launcher's.</summary>
    public static bool IsPlugged(Volume volume) => volume is { PersistentVolumeClaim.Hotpluggable: true } or { DataVolume.Hotpluggable: true } or { MemoryDump: not null };

    public static IEnumerable<Volume> Plugged(VirtualMachineInstance vmi) => (vmi.Spec?.Volumes ?? []).Where(IsPlugged).Concat(Utility(vmi));

    /// <summary>Claims that come to the launcher's pod as folders, of which the guest knows nothing.</summary>
    public static IEnumerable<Volume> Utility(VirtualMachineInstance vmi) => (vmi.Spec?.UtilityVolumes ?? []).Select(v => new Volume
    {
        Name = v.Name,
        PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = v.ClaimName, ReadOnly = v.ReadOnly, Hotpluggable = true },
    });

    public static bool IsUtility(VirtualMachineInstance vmi, string? name) => vmi.Spec?.UtilityVolumes?.Any(v => v.Name == name) is true;

    /// <summary>It holds files, not a disk.</summary>
    public static bool IsFolder(VirtualMachineInstance vmi, Volume volume) => volume.MemoryDump is not null || IsUtility(vmi, volume.Name);

    /// <summary>Claims that the launcher's pod itself mounts, beside that for the guest's state.</summary>
    public static IEnumerable<string> OfPod(VirtualMachineInstance vmi) => (vmi.Spec?.Volumes ?? []).Where(v => !IsPlugged(v)).Select(ClaimOf).OfType<string>().Distinct();

    /// <summary>All that are known by name; also those that volumes come from while they move to another one.</summary>
    public static IEnumerable<string> All(VirtualMachineInstance vmi) => (vmi.Spec?.Volumes ?? []).Concat(Utility(vmi)).Select(ClaimOf).Concat(Moving(vmi)).OfType<string>().Concat(OfState(vmi)).Distinct();

    private static IEnumerable<string?> Moving(VirtualMachineInstance vmi) => (vmi.Status?.MigratedVolumes ?? []).SelectMany(v => new[] { v.SourcePVCInfo?.ClaimName, v.DestinationPVCInfo?.ClaimName });

    private static IEnumerable<string> OfState(VirtualMachineInstance vmi) => StateVolume.IsNeeded(vmi) ? new[] { StateVolume.ClaimName(vmi), StateVolume.Shown(vmi) }.OfType<string>() : [];
}
