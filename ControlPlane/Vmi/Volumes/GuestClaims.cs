using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>
/// Which claims a running guest has. The spec says which it is to have; where `status.migratedVolumes` says that the two differ, the guest
/// has what the status has shown since, until a migration has brought the other.
/// </summary>
internal static class GuestClaims
{
    /// <summary>The VMI with the claims that the guest has.</summary>
    public static VirtualMachineInstance AsItIs(VmiState state, VirtualMachineInstance vmi) => vmi.Status?.MigratedVolumes is { Count: > 0 } changes
        ? With(vmi, changes.Where(c => Of(state, vmi, c) is not null).ToDictionary(c => c.VolumeName!, c => Of(state, vmi, c)!))
        : vmi;

    /// <param name="claims">By volume.</param>
    public static VirtualMachineInstance With(VirtualMachineInstance vmi, IReadOnlyDictionary<string, string>? claims) => claims is not { Count: > 0 } ? vmi : vmi with
    {
        Spec = vmi.Spec! with { Volumes = [.. (vmi.Spec.Volumes ?? []).Select(v => claims.TryGetValue(v.Name!, out var claim) ? With(v, claim) : v)] },
    };

    /// <summary>Of a volume whose claim is being changed.</summary>
    public static string? Of(VmiState state, VirtualMachineInstance vmi, StorageMigratedVolumeInfo change) =>
        Arrived(state, vmi)?.GetValueOrDefault(change.VolumeName!) ?? Shown(vmi, change.VolumeName!) ?? change.SourcePVCInfo?.ClaimName;

    /// <summary>What the latest migration has brought and the VMI's status does not show yet. The next migration waits until it does.</summary>
    public static IReadOnlyDictionary<string, string>? Arrived(VmiState state, VirtualMachineInstance vmi) =>
        state.Moving.Past.LastOrDefault() is { Step: MigrationStep.HandedOver, Claims: { } claims } last && (state.Moving.Ongoing is null || state.Moving.Ongoing.Id == last.Id)
        && !(vmi.Status?.MigrationState is { Completed: true } shown && shown.MigrationUid == last.Id)
            ? claims : null;

    private static string? Shown(VirtualMachineInstance vmi, string volume) => vmi.Status?.VolumeStatus?.FirstOrDefault(s => s.Name == volume)?.PersistentVolumeClaimInfo?.ClaimName;

    private static Volume With(Volume volume, string claim) => volume with
    {
        PersistentVolumeClaim = volume.PersistentVolumeClaim is { } source ? source with { ClaimName = claim } : null,
        DataVolume = volume.DataVolume is { } data ? data with { Name = claim } : null,
    };
}
