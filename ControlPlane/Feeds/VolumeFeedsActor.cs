using Akka.Actor;
using Troupe.ControlPlane.Machines;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Feeds;

/// <summary>
/// Child of the feeds' singleton: watches claims, what fills them and the pods that bring them to guests, is told of VMIs by its
/// parent, and tells each VMI's actor of the claims that its volumes name.
/// </summary>
internal sealed class VolumeFeedsActor : ReceiveActor
{
    private readonly Dictionary<(string? Namespace, string Name), PersistentVolumeClaim> _claims = [];
    private readonly Dictionary<(string? Namespace, string Name), string?> _fillings = [];
    private readonly Dictionary<string, Interest> _vmis = [];
    private readonly Dictionary<string, AttachmentObserved> _attachments = [];
    private readonly IActorRef _region;
    private bool _claimsListed;
    private bool _fillingsListed;

    public VolumeFeedsActor(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log)
    {
        _region = region;
        Context.Follow<PersistentVolumeClaim>(kubernetes, new FeedOptions(), time, log);
        Context.Follow<DataVolume>(kubernetes, new FeedOptions(), time, log);
        Context.Follow<Pod>(kubernetes, new FeedOptions(LabelSelector: $"{Labels.App}={Labels.HotplugApp}"), time, log);
        Receive<FeedEvent<VirtualMachineInstance>>(OnVmi);
        Receive<FeedEvent<PersistentVolumeClaim>>(OnClaim);
        Receive<FeedEvent<DataVolume>>(OnFilling);
        Receive<FeedEvent<Pod>>(OnPod);
        Receive<FeedsActor.Resync>(_ =>
        {
            foreach (var uid in _vmis.Keys)
                TellAgain(uid);
        });
        Receive<TellAgain>(again => TellAgain(again.VmiUid));
    }

    public static Props Props(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new VolumeFeedsActor(kubernetes, region, time, log));

    private void OnVmi(FeedEvent<VirtualMachineInstance> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstance>.Observed { Object: var vmi }:
                var known = _vmis.TryGetValue(vmi.Metadata.Uid!, out var before) ? before.Claims : [];
                var names = VolumeSources.All(vmi).ToHashSet(StringComparer.Ordinal);
                var isNew = before is null;
                _vmis[vmi.Metadata.Uid!] = new Interest(vmi.Metadata.Namespace, names, StateVolume.IsNeeded(vmi) ? vmi.Metadata.Name : null);
                if (isNew)
                    TellStates(vmi.Metadata.Uid!);
                foreach (var name in names.Except(known))
                    Tell(vmi.Metadata.Uid!, (vmi.Metadata.Namespace, name));
                break;
            case FeedEvent<VirtualMachineInstance>.Gone { Last: var vmi }:
                _vmis.Remove(vmi.Metadata.Uid!);
                break;
        }
    }

    private void OnClaim(FeedEvent<PersistentVolumeClaim> e)
    {
        switch (e)
        {
            case FeedEvent<PersistentVolumeClaim>.Observed { Object: var claim }:
                _claims[KeyOf(claim)] = claim;
                TellUsers(KeyOf(claim), StateOf(claim));
                break;
            case FeedEvent<PersistentVolumeClaim>.Gone { Last: var claim }:
                _claims.Remove(KeyOf(claim));
                TellUsers(KeyOf(claim), StateOf(claim));
                break;
            case FeedEvent<PersistentVolumeClaim>.Synced:
                _claimsListed = true;
                TellClaims();
                break;
        }
    }

    private void OnFilling(FeedEvent<DataVolume> e)
    {
        switch (e)
        {
            case FeedEvent<DataVolume>.Observed { Object: var data }:
                _fillings[KeyOf(data)] = data.Status?.Phase;
                TellUsers(KeyOf(data));
                break;
            case FeedEvent<DataVolume>.Gone { Last: var data }:
                _fillings.Remove(KeyOf(data));
                TellUsers(KeyOf(data));
                break;
            case FeedEvent<DataVolume>.Synced:
                _fillingsListed = true;
                TellClaims();
                break;
        }
    }

    private void OnPod(FeedEvent<Pod> e)
    {
        switch (e)
        {
            case FeedEvent<Pod>.Observed { Object: var pod } when AttachmentPod.Read(pod) is var (uid, attachment):
                _region.Tell(_attachments[pod.Metadata.Uid!] = new AttachmentObserved(uid, attachment));
                break;
            case FeedEvent<Pod>.Gone { Last: var pod } when AttachmentPod.Read(pod) is var (uid, _):
                _attachments.Remove(pod.Metadata.Uid!);
                // A VMI that is gone as well needs no news; telling it would only wake an actor that has ended.
                if (_vmis.ContainsKey(uid))
                    _region.Tell(new AttachmentGone(uid, pod.Metadata.Name!, pod.Metadata.Uid!));
                break;
        }
    }

    private void TellAgain(string uid)
    {
        TellClaims(uid);
        foreach (var attachment in _attachments.Values.Where(a => a.VmiUid == uid))
            _region.Tell(attachment);
    }

    private void TellClaims()
    {
        foreach (var uid in _vmis.Keys)
            TellClaims(uid);
    }

    private void TellClaims(string uid)
    {
        if (!_vmis.TryGetValue(uid, out var vmi))
            return;
        TellStates(uid);
        foreach (var name in vmi.Claims)
            Tell(uid, (vmi.Namespace, name));
    }

    /// <summary>Before the claims that are known by name: that the one with the usual name does not exist means something only when there is no other.</summary>
    private void TellStates(string uid)
    {
        if (_vmis[uid] is not { StateOf: { } name } vmi)
            return;
        foreach (var (key, _) in _claims.Where(c => c.Key.Namespace == vmi.Namespace && StateOf(c.Value) == name))
            Tell(uid, key);
    }

    private void TellUsers((string? Namespace, string Name) claim, string? stateOf = null)
    {
        foreach (var (uid, _) in _vmis.Where(v => v.Value.Namespace == claim.Namespace && (v.Value.Claims.Contains(claim.Name) || (stateOf is not null && v.Value.StateOf == stateOf))))
            Tell(uid, claim);
    }

    /// <summary>Nothing is said before both lists are complete: a claim might only not have been listed yet, and so what fills it.</summary>
    private void Tell(string vmiUid, (string? Namespace, string Name) key)
    {
        if (_claimsListed && _fillingsListed)
            _region.Tell(_claims.TryGetValue(key, out var claim) ? new ClaimObserved(vmiUid, Of(claim)) : new ClaimGone(vmiUid, key.Name));
    }

    private ClaimObservation Of(PersistentVolumeClaim claim) => new(
        claim.Metadata.Name!, claim.Status?.Phase ?? "Pending", claim.Spec?.VolumeMode is "Block", claim.Spec?.AccessModes ?? [],
        Storage(claim.Status?.Capacity), Storage(claim.Spec?.Resources?.Requests),
        claim.Metadata.Annotations?.Any(a => a.Key.EndsWith("/storage.preallocation", StringComparison.Ordinal) && a.Value == "true") is true,
        !IsBeingFilled(claim))
    {
        StateOf = StateOf(claim),
        CreatedAt = claim.Metadata.CreationTimestamp,
        IsDeleting = claim.Metadata.DeletionTimestamp is not null,
    };

    private static string? StateOf(PersistentVolumeClaim claim) => claim.Metadata.Labels?.GetValueOrDefault(StateVolume.OwnerLabel);

    /// <summary>One that waits for its first pod is filled after that.</summary>
    private bool IsBeingFilled(PersistentVolumeClaim claim) =>
        OwnerReferences.Controller(claim, "DataVolume") is not null
        && _fillings.TryGetValue(KeyOf(claim), out var phase) && phase is not ("Succeeded" or "WaitForFirstConsumer" or "PendingPopulation");

    private static long Storage(IReadOnlyDictionary<string, Quantity>? list) => list is not null && list.TryGetValue("storage", out var storage) ? storage.Units : 0;

    private static (string? Namespace, string Name) KeyOf(KubeObject obj) => (obj.Metadata.Namespace, obj.Metadata.Name!);

    /// <param name="Claims">Names.</param>
    /// <param name="StateOf">Its own name, if its TPM or UEFI state has a claim.</param>
    private sealed record Interest(string? Namespace, HashSet<string> Claims, string? StateOf);
}
