using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>`status.volumeStatus`: every volume of the spec, and those that are on their way out.</summary>
internal static class VolumeProjection
{
    /// <summary>Share of a file system that it keeps for itself, where no storage profile says otherwise.</summary>
    private const string FilesystemOverhead = "0.055";

    public static IReadOnlyList<VolumeStatus>? Of(IReadOnlyList<VolumeStatus>? current, VmiState state, VirtualMachineInstance vmi)
    {
        IReadOnlyList<Volume> volumes = [.. vmi.Spec?.Volumes ?? [], .. VolumeSources.Utility(vmi)];
        var left = (current ?? []).Where(s => s.HotplugVolume is not null && volumes.All(v => v.Name != s.Name)).Select(s => Leaving(s, state)).OfType<VolumeStatus>();
        IReadOnlyList<VolumeStatus> all = [.. volumes.Select(v => Present(v, current?.FirstOrDefault(s => s.Name == v.Name), state)).Concat(left).Concat(OfState(current, state, vmi)).OrderBy(s => s.Name, StringComparer.Ordinal)];
        return all.Count == 0 ? current is { Count: > 0 } ? null : current : all;
    }

    /// <summary>The claim of the guest's TPM and UEFI variables, under KubeVirt's name for it.</summary>
    private static IEnumerable<VolumeStatus> OfState(IReadOnlyList<VolumeStatus>? current, VmiState state, VirtualMachineInstance vmi)
    {
        if (!StateVolume.IsNeeded(vmi))
            yield break;
        var name = StateVolume.Current(state, vmi);
        var known = current?.FirstOrDefault(StateVolume.IsItsStatus) ?? new VolumeStatus { Target = "" };
        yield return known with
        {
            Name = StateVolume.StatusName,
            PersistentVolumeClaimInfo = state.Storage.Claim(name) is { } claim ? Info(claim) : Kept(known.PersistentVolumeClaimInfo ?? new PersistentVolumeClaimInfo(), name),
        };
    }

    private static VolumeStatus Present(Volume volume, VolumeStatus? known, VmiState state)
    {
        var seen = Seen(volume.Name!, state);
        var claim = VolumeSources.ClaimOf(volume) is { } name && volume.Ephemeral is null ? state.Storage.Claim(name) : null;
        var status = (known ?? new VolumeStatus { Name = volume.Name }) with
        {
            Target = seen?.Target ?? (state.Domain is null ? known?.Target : null) ?? "",
            Size = seen?.SizeBytes ?? known?.Size,
            PersistentVolumeClaimInfo = claim is null ? Kept(known?.PersistentVolumeClaimInfo, VolumeSources.ClaimOf(volume)) : Info(claim),
            MemoryDumpVolume = volume.MemoryDump is null ? known?.MemoryDumpVolume : Dump(volume.Name!, state),
        };
        return VolumeSources.IsPlugged(volume) ? Plugged(volume, status, claim, state) : status;
    }

    /// <summary>What is known of a claim while the feeds have not told of it, which is nothing but its name if it is another one than before.</summary>
    private static PersistentVolumeClaimInfo? Kept(PersistentVolumeClaimInfo? known, string? claim) =>
        known is null || known.ClaimName == claim ? known : claim is null ? null : new PersistentVolumeClaimInfo { ClaimName = claim };

    private static VolumeStatus Plugged(Volume volume, VolumeStatus status, ClaimObservation? claim, VmiState state)
    {
        var (name, claimName) = (volume.Name!, VolumeSources.ClaimOf(volume)!);
        var attachment = state.Right is { } right ? state.Storage.AttachmentOf(name, right.PodUid) : null;
        var (phase, reason, message) = (claim, attachment) switch
        {
            _ when Seen(name, state) is not null => ("Ready", "VolumeReady", $"Successfully attach hotplugged volume {name} to VM"),
            // A dump goes into a folder, which no guest ever sees.
            _ when DumpTo(name, state) is { } dump => Dumping(name, dump),
            ({ IsBlock: true }, _) when VolumeSources.IsUtility(state.Vmi!, name) => ("Pending", "PVCNotReady", $"Utility volume PVC {claimName} must be filesystem mode, not block mode"),
            _ when state.Report?.Mounted.Contains(name) is true => ("MountedToPod", "VolumeMountedToPod", $"Volume {name} has been mounted in virt-launcher pod"),
            (_, { Problem: { } problem }) => ("AttachedToNode", "MissingAttachmentPod", $"attachment pod {attachment.Name}: {problem}"),
            (_, not null) => ("AttachedToNode", "SuccessfulCreate", $"Created hotplug attachment pod {attachment.Name}, for volume {name}"),
            (null, _) => state.Storage.Claims.ContainsKey(claimName) ? ("Pending", "FailedPvcNotFound", $"PVC {claimName} not found") : (status.Phase ?? "Pending", status.Reason, status.Message),
            ({ IsBound: true }, _) => ("Bound", "PVCNotReady", "PVC is in phase Bound"),
            _ => ("Pending", "PVCNotReady", claim.Phase == "Lost" ? "PVC is in phase Lost" : "PVC is in phase ClaimPending"),
        };
        return status with
        {
            Phase = phase,
            Reason = reason,
            Message = message,
            HotplugVolume = new HotplugVolumeStatus { AttachPodName = attachment?.Name, AttachPodUID = attachment is { IsReady: true } ? attachment.Uid : null },
        };
    }

    /// <summary>Null when nothing of it is left.</summary>
    private static VolumeStatus? Leaving(VolumeStatus status, VmiState state)
    {
        if (Seen(status.Name!, state) is not null)
            return status with { Phase = "Detaching" };
        if (state.Report?.Mounted.Contains(status.Name!) is true)
            return status with { Phase = "Detaching", Target = "" };
        return state.Storage.Attachments.Values.Any(a => a.Volume == status.Name)
            ? status with { Phase = "UnMountedFromPod", Target = "", Reason = "VolumeUnMountedFromPod", Message = $"Volume {status.Name} has been unmounted from virt-launcher pod" }
            : null;
    }

    private static MemoryDumpObservation? DumpTo(string name, VmiState state) => state.Domain?.MemoryDump is { } dump && dump.Volume == name ? dump : null;

    private static (string Phase, string? Reason, string? Message) Dumping(string name, MemoryDumpObservation dump) => dump switch
    {
        { EndedAt: null } => (MemoryDumpPhases.VolumeInProgress, "VolumeMountedToPod", $"Memory dump Volume {name} is attached, getting memory dump"),
        { Error: { } error } => (MemoryDumpPhases.VolumeFailed, "VolumeMountedToPod", $"Memory dump to pvc {name} failed: {error}"),
        _ => (MemoryDumpPhases.VolumeCompleted, "VolumeReady", $"Memory dump to Volume {name} has completed successfully"),
    };

    private static DomainMemoryDumpInfo Dump(string name, VmiState state)
    {
        var dump = DumpTo(name, state);
        return new DomainMemoryDumpInfo { ClaimName = name, TargetFileName = dump?.FileName, StartTimestamp = dump?.StartedAt, EndTimestamp = dump?.EndedAt };
    }

    private static VolumeObservation? Seen(string name, VmiState state) => state.Domain?.Volumes.FirstOrDefault(v => v.Name == name);

    public static PersistentVolumeClaimInfo Info(ClaimObservation claim) => new()
    {
        ClaimName = claim.Name,
        AccessModes = claim.AccessModes,
        VolumeMode = claim.IsBlock ? "Block" : "Filesystem",
        Capacity = claim.CapacityBytes > 0 ? Storage(claim.CapacityBytes) : null,
        Requests = Storage(claim.RequestBytes),
        Preallocated = claim.IsPreallocated ? true : null,
        FilesystemOverhead = FilesystemOverhead,
    };

    private static Dictionary<string, Quantity> Storage(long bytes) => new() { ["storage"] = Quantity.FromBytes(bytes) };
}
