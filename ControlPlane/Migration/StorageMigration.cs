using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>Volumes that move to other claims together with their guest: what of it the status shows, and what a migration has to know.</summary>
internal static class StorageMigration
{
    public const string Condition = "VolumesChange";
    public const string Cancelled = "VolumesChangeCancellation";

    /// <summary>`status.migratedVolumes`: what the guest has and is to have; a change that was taken back stays until no migration can bring it any more.</summary>
    public static IReadOnlyList<StorageMigratedVolumeInfo>? Shown(VmiState state, VirtualMachineInstance vmi)
    {
        IReadOnlyList<StorageMigratedVolumeInfo> shown = [.. Known(vmi).Select(c => IsWanted(state, vmi, c) ? Info(state, vmi, c) : c).Where(c => IsWanted(state, vmi, c) || IsOnItsWay(state, c))];
        return shown.Count > 0 ? shown : null;
    }

    /// <summary>The condition of the same name; null where there is none.</summary>
    public static (string Status, string? Reason, string? Message)? Change(VmiState state, VirtualMachineInstance vmi)
    {
        var known = Known(vmi).ToList();
        if (known.Any(c => IsWanted(state, vmi, c)) || IsArriving(state))
            return ("True", null, "migrate volumes");
        var isCancelled = known.Count > 0
            ? known.Any(c => GuestClaims.Of(state, vmi, c) == c.SourcePVCInfo?.ClaimName)
            : vmi.Status?.Conditions?.FirstOrDefault(c => c.Type == Condition) is { Status: "False" };
        return isCancelled ? ("False", Cancelled, null) : null;
    }

    /// <summary>For the journal: where volumes are to go by a migration that begins now; null when none is.</summary>
    public static IReadOnlyDictionary<string, string>? Claims(VmiState state, VirtualMachineInstance vmi) =>
        Known(vmi).Where(c => IsWanted(state, vmi, c)).ToDictionary(c => c.VolumeName!, c => Wanted(vmi, c)!) is { Count: > 0 } claims ? claims : null;

    /// <summary>What the guest does not have cannot be copied, and what has arrived is shown before anything else is begun.</summary>
    public static bool CanBegin(VmiState state, VirtualMachineInstance vmi) =>
        GuestClaims.Arrived(state, vmi) is null && (Claims(state, vmi) ?? new Dictionary<string, string>()).Keys.All(name => state.Domain!.Volumes.Any(v => v.Name == name));

    /// <summary>The VMI as it is at the target.</summary>
    public static VirtualMachineInstance AtTarget(VmiState state, VirtualMachineInstance vmi, OngoingMigration migration) =>
        GuestClaims.With(GuestClaims.AsItIs(state, vmi), migration.Claims);

    public static IReadOnlyList<CopiedVolume> Copies(VmiState state, VirtualMachineInstance vmi, OngoingMigration migration) => migration.Claims is null ? [] :
    [
        .. from volume in vmi.Spec?.Volumes ?? []
           where migration.Claims.ContainsKey(volume.Name!)
           select new CopiedVolume(volume.Name!, SizeOf(state, volume.Name!), state.Storage.Claim(migration.Claims[volume.Name!]) is { IsBlock: true }, VolumeSources.IsPlugged(volume)),
    ];

    /// <summary>Why the target pod is not made yet; null when nothing stands in the way.</summary>
    public static string? Awaited(VmiState state, OngoingMigration migration) =>
        migration.Claims?.Values.Select(name => state.Storage.Claim(name) switch
        {
            null => $"PVC {name} not found",
            { IsPopulated: false } => $"PVC {name} is still being filled",
            _ => null,
        }).FirstOrDefault(reason => reason is not null);

    /// <summary>Why an attempt is to be ended.</summary>
    public static (string Reason, string Message)? Cancel(VmiState state, OngoingMigration migration)
    {
        if (migration.Claims is not { } claims || state.Vmi is not { } vmi)
            return null;
        if (claims.Any(c => vmi.Spec?.Volumes?.FirstOrDefault(v => v.Name == c.Key) is not { } volume || VolumeSources.ClaimOf(volume) != c.Value))
            return (Cancelled, "Migration failed due to being canceled: the change of volumes was taken back");
        var small = claims.FirstOrDefault(c => state.Storage.Claim(c.Value) is { CapacityBytes: > 0 and var room } && room < SizeOf(state, c.Key));
        return small.Key is { } name
            ? ("DestinationTooSmall", $"{MigrationProtocol.DestinationTooSmall}: volume {name} has {SizeOf(state, name)} bytes, and PVC {small.Value} {state.Storage.Claim(small.Value)!.CapacityBytes}")
            : null;
    }

    private static IEnumerable<StorageMigratedVolumeInfo> Known(VirtualMachineInstance vmi) => (vmi.Status?.MigratedVolumes ?? []).Where(c => Wanted(vmi, c) is not null);

    /// <summary>Null for a volume that the spec does not have any more.</summary>
    private static string? Wanted(VirtualMachineInstance vmi, StorageMigratedVolumeInfo change) =>
        vmi.Spec?.Volumes?.FirstOrDefault(v => v.Name == change.VolumeName) is { } volume ? VolumeSources.ClaimOf(volume) : null;

    private static bool IsWanted(VmiState state, VirtualMachineInstance vmi, StorageMigratedVolumeInfo change) => GuestClaims.Of(state, vmi, change) != Wanted(vmi, change);

    private static bool IsOnItsWay(VmiState state, StorageMigratedVolumeInfo change) =>
        state.Moving.Ongoing is { IsSettled: false, Claims: { } claims } && claims.ContainsKey(change.VolumeName!);

    /// <summary>A condition that goes before the guest is said to run would let its migration be called off.</summary>
    private static bool IsArriving(VmiState state) =>
        state.Moving.Ongoing is { Step: MigrationStep.HandedOver, Claims: not null } m && MigrationView.OfAttempt(state.Report, m)?.Target is not TargetStage.Running;

    private static StorageMigratedVolumeInfo Info(VmiState state, VirtualMachineInstance vmi, StorageMigratedVolumeInfo change) => change with
    {
        SourcePVCInfo = Info(state, GuestClaims.Of(state, vmi, change)!, change),
        DestinationPVCInfo = Info(state, Wanted(vmi, change)!, change),
    };

    private static PersistentVolumeClaimInfo Info(VmiState state, string claim, StorageMigratedVolumeInfo known) => state.Storage.Claim(claim) is { } seen
        ? VolumeProjection.Info(seen)
        : new[] { known.SourcePVCInfo, known.DestinationPVCInfo }.FirstOrDefault(i => i?.ClaimName == claim) ?? new PersistentVolumeClaimInfo { ClaimName = claim };

    private static long SizeOf(VmiState state, string volume) => state.Domain?.Volumes.FirstOrDefault(v => v.Name == volume)?.SizeBytes ?? 0;
}
