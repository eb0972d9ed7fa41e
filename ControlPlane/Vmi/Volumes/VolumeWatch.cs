using System.Collections.Immutable;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>What a VmiActor has been told of the claims and attachment pods of its VMI. Nothing of it is journaled: the feeds tell it again.</summary>
public sealed record VolumeWatch
{
    /// <summary>Null for a claim that is known not to exist; a claim that is not in here was not heard of yet.</summary>
    public ImmutableDictionary<string, ClaimObservation?> Claims { get; init; } = ImmutableDictionary<string, ClaimObservation?>.Empty;

    /// <summary>By name of the pod.</summary>
    public ImmutableDictionary<string, AttachmentObservation> Attachments { get; init; } = ImmutableDictionary<string, AttachmentObservation>.Empty;

    public IReadOnlySet<string> BlockClaims => Claims.Values.OfType<ClaimObservation>().Where(c => c.IsBlock).Select(c => c.Name).ToHashSet();

    public VolumeWatch Observe(IVmiMessage message) => message switch
    {
        ClaimObserved { Claim: var claim } => this with { Claims = Claims.SetItem(claim.Name, claim) },
        ClaimGone gone => this with { Claims = Claims.SetItem(gone.ClaimName, null) },
        AttachmentObserved { Pod: var pod } => this with { Attachments = Attachments.SetItem(pod.Name, pod) },
        AttachmentGone gone when Attachments.TryGetValue(gone.PodName, out var pod) && pod.Uid == gone.PodUid => this with { Attachments = Attachments.Remove(gone.PodName) },
        _ => this,
    };

    public ClaimObservation? Claim(string name) => Claims.GetValueOrDefault(name);

    /// <summary>The pod that brings the volume to this launcher; one that is on its way out counts as none.</summary>
    public AttachmentObservation? AttachmentOf(string volume, string launcherPodUid) =>
        Attachments.Values.FirstOrDefault(a => a.Volume == volume && a.LauncherPodUid == launcherPodUid && a is { IsDeleting: false, IsOver: false });

    /// <summary>Why the launcher's pod cannot be made yet, in KubeVirt's words; null when nothing is known to stand in the way.</summary>
    public (string Reason, string Message)? Missing(VirtualMachineInstance vmi) =>
        VolumeSources.OfPod(vmi).FirstOrDefault(name => Claims.TryGetValue(name, out var claim) && claim is null) is { } missing
            ? ("FailedPvcNotFound", $"failed to render launch manifest: didn't find PVC {missing}")
            : null;

    /// <summary>
    /// The claim for the guest's own state, by its label. A migration whose end was not seen may have left two, of which the younger is the one that
    /// the guest has moved to. One that has the name alone is as good: KubeVirt once made such.
    /// </summary>
    public ClaimObservation? StateClaim(VirtualMachineInstance vmi) =>
        Claims.Values.OfType<ClaimObservation>().Where(c => c.StateOf == vmi.Metadata.Name && !c.IsDeleting).OrderByDescending(c => c.CreatedAt).ThenBy(c => c.Name, StringComparer.Ordinal).FirstOrDefault()
        ?? (Claim(StateVolume.ClaimName(vmi)) is { IsDeleting: false } claim ? claim : null);

    /// <summary>The claim for the guest's own state is to be made.</summary>
    public bool LacksState(VirtualMachineInstance vmi) => StateVolume.IsNeeded(vmi) && StateClaim(vmi) is null && Claims.TryGetValue(StateVolume.ClaimName(vmi), out var claim) && claim is null;

    /// <summary>Every claim of the launcher's pod is there and filled. Bound it need not be: some are bound only where their pod is scheduled.</summary>
    public bool IsReady(VirtualMachineInstance vmi) => VolumeSources.OfPod(vmi).All(name => Claim(name) is { IsPopulated: true }) && (!StateVolume.IsNeeded(vmi) || StateClaim(vmi) is not null);
}
