using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi;

/// <summary>The pods that bring plugged volumes, and the claims for the guest's own state.</summary>
public sealed partial class VmiActor
{
    private void CreateAttachment(VmiEffect.CreateAttachment create)
    {
        if (!_calls.Begin(Call.CreateAttachment))
            return;
        var volume = create.Source;
        var claim = _state.Storage.Claim(VolumeSources.ClaimOf(volume)!);
        // The size is known once the claim is bound; one that waits for its first pod is bound by this very pod, to what it asks for.
        long? diskBytes = claim is { IsBlock: false } && !VolumeSources.IsFolder(_state.Vmi!, volume)
            ? ClaimSize.ImageBytes(claim.CapacityBytes > 0 ? claim.CapacityBytes : claim.RequestBytes, claim.RequestBytes) : null;
        var pod = AttachmentPod.Render(create.Name, _state.Vmi!, volume, claim is { IsBlock: true }, diskBytes, create.Launcher, _services.PodOptions());
        Do(Call.CreateAttachment, async ct =>
        {
            try
            {
                var created = await _services.Kubernetes.CreateAsync(pod, ct).ConfigureAwait(false);
                _services.Events.Record(About(), "Normal", "SuccessfulCreate", $"Created attachment pod {create.Name}");
                return Observed(created);
            }
            catch (KubeException e) when (e.Reason == "AlreadyExists")
            {
                return await _services.Kubernetes.FindAsync<Pod>(pod.Metadata.Namespace, create.Name, ct).ConfigureAwait(false) is { } existing ? Observed(existing) : null;
            }
            catch (KubeException e)
            {
                _services.Events.Record(About(), "Warning", "FailedCreate", $"Error creating attachment pod: {e.Message}");
                throw;
            }
        });
    }

    private void DeleteAttachment(VmiEffect.DeleteAttachment delete)
    {
        if (_deleted.Contains(delete.Uid) || !_calls.Begin(Call.DeleteAttachment))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        _deleting[Call.DeleteAttachment] = delete.Uid;
        Do(Call.DeleteAttachment, async ct =>
        {
            try
            {
                await _services.Kubernetes.DeleteAsync<Pod>(ns, delete.Name, new DeleteQuery(delete.Uid, GracePeriodSeconds: 0), ct).ConfigureAwait(false);
                _services.Events.Record(About(), "Normal", "SuccessfulDelete", $"Deleted attachment pod {delete.Name}");
                // That it is gone the feed tells, perhaps before this answer is read: what is remembered here must not bring it back.
                return null;
            }
            catch (KubeException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone already; a conflict is about the UID of another one that bears the name now.
                return new AttachmentGone(_state.Uid, delete.Name, delete.Uid);
            }
        });
    }

    private void CreateStateClaim(VmiEffect.CreateStateClaim create)
    {
        if (!_calls.Begin(Call.StateClaim))
            return;
        var (vmi, migration, kubernetes) = (_state.Vmi!, create.Migration, _services.Kubernetes);
        Do(Call.StateClaim, async ct =>
        {
            try
            {
                var storage = await StateStorage.FindAsync(kubernetes, _services.PodOptions().StateStorageClass, ct).ConfigureAwait(false);
                var claim = StateVolume.Claim(vmi, create.Name, migration, storage);
                await (migration is null ? StateClaimCalls.MakeFirstAsync(kubernetes, vmi, claim, ct) : StateClaimCalls.MakeAsync(kubernetes, claim, ct)).ConfigureAwait(false);
                return migration is null ? null : new StateClaimMade(_state.Uid, migration.Id);
            }
            catch (KubeException e)
            {
                _services.Events.Record(About(), "Warning", "FailedBackendStorageCreate", e.Message);
                throw;
            }
        });
    }

    private void SettleState(VmiEffect.SettleState settle)
    {
        // One call at a time: a creation on its way would survive a deletion that overtakes it.
        if (!_calls.Begin(Call.StateClaim))
            return;
        var (vmi, migration) = (_state.Vmi!, settle.Migration);
        Do(Call.StateClaim, async ct =>
        {
            await StateClaimCalls.SettleAsync(_services.Kubernetes, vmi, migration.State!, settle.Arrived, ct).ConfigureAwait(false);
            return new StateClaimSettled(_state.Uid, migration.Id);
        });
    }

    /// <summary>Kubelet tells only by events why it waits for a volume: the container's status says "ContainerCreating" all the while.</summary>
    private void AskForTrouble(VmiEffect.AskForTrouble ask)
    {
        if (!_calls.Begin(Call.AskForTrouble))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        Do(Call.AskForTrouble, async ct =>
        {
            var events = await _services.Kubernetes.ListAsync<Event>(ns, new ListQuery(FieldSelector: $"involvedObject.uid={ask.PodUid},type=Warning"), ct).ConfigureAwait(false);
            var last = events.Items.Where(e => e.Reason?.StartsWith("Failed", StringComparison.Ordinal) is true).MaxBy(e => e.LastTimestamp ?? e.EventTime ?? e.FirstTimestamp);
            return new PodTroubled(_state.Uid, ask.PodUid, last?.Reason, last?.Message);
        });
    }

    private AttachmentObserved? Observed(Pod pod) => AttachmentPod.Read(pod) is var (uid, attachment) && uid == _state.Uid ? new AttachmentObserved(uid, attachment) : null;
}
