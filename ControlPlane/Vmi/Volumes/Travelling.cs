using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>Plugged volumes of a guest on the move: each gets a pod of its own beside the target's, before the target is told to listen.</summary>
internal static class Travelling
{
    /// <param name="there">The VMI with the claims that it has at the target.</param>
    /// <returns>Those that the target's node has, or the pod that is missing; neither while one is awaited.</returns>
    public static (IReadOnlyList<PluggedVolume>? Ready, VmiEffect.CreateAttachment? Missing) Of(VmiState state, VirtualMachineInstance there, OngoingMigration migration)
    {
        var pods = Volumes(state, there).Select(v => (Volume: v, Pod: state.Storage.AttachmentOf(v.Name!, migration.TargetPodUid!))).ToList();
        if (pods.FirstOrDefault(p => p.Pod is null).Volume is { } missing)
        {
            return (null, new VmiEffect.CreateAttachment(missing.Name!, AttachmentPod.NameOf(missing.Name!, migration.TargetPodUid!), missing,
                new LauncherOnNode(migration.PodName, migration.TargetPodUid!, migration.TargetNode!)));
        }

        return pods.All(p => p.Pod!.IsReady) ? ([.. pods.Select(p => new PluggedVolume(p.Volume.Name!, p.Pod!.Uid, Hotplug.KindOf(there, p.Volume, state.Storage.Claim(VolumeSources.ClaimOf(p.Volume)!))))], null) : (null, null);
    }

    /// <summary>One of the pods is no more: the target will not get all that the guest has.</summary>
    public static bool IsBroken(VmiState state, OngoingMigration migration) => migration is { Step: MigrationStep.Assigned, TargetPodUid: { } target }
        && state.Storage.Attachments.Values.Any(a => a.LauncherPodUid == target && (a.IsOver || a.IsDeleting));

    /// <summary>What the guest has, or is getting at this moment; also what the spec has taken away and the guest has not let go of. The folders of memory dumps and utility volumes are not the guest's.</summary>
    private static IEnumerable<Volume> Volumes(VmiState state, VirtualMachineInstance there)
    {
        var has = state.Domain!.Volumes.Select(v => v.Name).Concat(state.Report!.Mounted).ToHashSet();
        var wanted = VolumeSources.Plugged(there).Where(v => !VolumeSources.IsFolder(there, v)).ToList();
        var left = from status in there.Status?.VolumeStatus ?? []
                   where status is { HotplugVolume: not null, MemoryDumpVolume: null, PersistentVolumeClaimInfo.ClaimName: not null } && (there.Spec?.Volumes ?? []).All(v => v.Name != status.Name)
                   select new Volume { Name = status.Name, PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = status.PersistentVolumeClaimInfo!.ClaimName, Hotpluggable = true } };
        return wanted.Where(v => has.Contains(v.Name!)).Concat(left.Where(v => state.Domain.Volumes.Any(d => d.Name == v.Name)));
    }
}
