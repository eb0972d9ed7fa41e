using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>
/// Brings a running guest after its spec. A volume that is plugged in goes: claim bound → a pod of its own has it on the guest's node →
/// the node agent mounts it into the launcher's pod → the launcher attaches it; and out again in reverse order.
/// </summary>
internal static class Hotplug
{
    public static IEnumerable<VmiEffect> Effects(VmiState state, VirtualMachineInstance vmi)
    {
        foreach (var effect in Attachments(state, vmi))
            yield return effect;
        var update = Orders.Update(state, vmi);
        // Told why it cannot be: the agent tries again what may become possible, and asking would only make it say so again.
        if ((state.Domain!.Revision == update.Revision && !IsLeftMounted(state, update)) || state.ChangeRefused?.Revision == update.Revision)
            yield break;
        yield return new VmiEffect.Tell(update);
        yield return new VmiEffect.LookAgain(VmiLifecycle.CommandRetry);
    }

    /// <summary>Volumes of the spec that are on the node.</summary>
    public static IReadOnlyList<PluggedVolume> Available(VmiState state, VirtualMachineInstance vmi) =>
    [
        .. from volume in VolumeSources.Plugged(vmi)
           let attachment = state.Storage.AttachmentOf(volume.Name!, state.Right!.PodUid)
           where attachment is { IsReady: true }
           select new PluggedVolume(volume.Name!, attachment.Uid, KindOf(vmi, volume, state.Storage.Claim(VolumeSources.ClaimOf(volume)!))),
    ];

    private static IEnumerable<VmiEffect> Attachments(VmiState state, VirtualMachineInstance vmi)
    {
        var right = state.Right!;
        var wanted = VolumeSources.Plugged(vmi).ToList();
        // A device is no folder.
        var missing = wanted.Where(v => state.Storage.Claim(VolumeSources.ClaimOf(v)!) is { IsPopulated: true } claim && !(claim.IsBlock && VolumeSources.IsUtility(vmi, v.Name)))
            .FirstOrDefault(v => state.Storage.Attachments.Values.All(a => a.Volume != v.Name || a.LauncherPodUid != right.PodUid));
        if (missing is not null)
            yield return new VmiEffect.CreateAttachment(missing.Name!, AttachmentPod.NameOf(missing.Name!, right.PodUid), missing, new LauncherOnNode(state.PodName!, right.PodUid, right.Node));
        foreach (var attachment in state.Storage.Attachments.Values.Where(a => a.LauncherPodUid == right.PodUid && !a.IsDeleting))
        {
            var isUsed = state.Domain!.Volumes.Any(v => v.Name == attachment.Volume) || state.Report!.Mounted.Contains(attachment.Volume);
            if (attachment.IsOver || (!isUsed && wanted.All(v => v.Name != attachment.Volume)))
            {
                yield return new VmiEffect.DeleteAttachment(attachment.Name, attachment.Uid);
                yield break;
            }
        }
    }

    /// <summary>A volume that guest and spec have let go of; an agent that was restarted in between does not know that it is to go.</summary>
    private static bool IsLeftMounted(VmiState state, UpdateDomain update) =>
        state.Report!.Mounted.Any(name => update.Volumes.All(v => v.Name != name) && state.Domain!.Volumes.All(v => v.Name != name));

    public static PluggedVolumeKind KindOf(VirtualMachineInstance vmi, Volume volume, ClaimObservation? claim) =>
        VolumeSources.IsFolder(vmi, volume) ? PluggedVolumeKind.Folder : claim is { IsBlock: true } ? PluggedVolumeKind.Device : PluggedVolumeKind.Image;
}
