using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>What is done to the claims for TPM and UEFI state. Each may be done again, from wherever the one before was interrupted.</summary>
internal static class StateClaimCalls
{
    /// <summary>The guest's first one.</summary>
    public static async Task MakeFirstAsync(IKubeClient kubernetes, VirtualMachineInstance vmi, PersistentVolumeClaim claim, CancellationToken ct)
    {
        // A feed may be behind; a guest must not start with an empty TPM beside its own.
        var present = await kubernetes.ListAsync<PersistentVolumeClaim>(vmi.Metadata.Namespace, new ListQuery(StateVolume.Selector(vmi)), ct).ConfigureAwait(false);
        if (present.Items.All(c => c.Metadata.DeletionTimestamp is not null))
            await MakeAsync(kubernetes, claim, ct).ConfigureAwait(false);
    }

    public static async Task MakeAsync(IKubeClient kubernetes, PersistentVolumeClaim claim, CancellationToken ct)
    {
        try
        {
            await kubernetes.CreateAsync(claim, ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // From an earlier life of the machine, which is what it is for; or ours from before a crash.
        }
    }

    /// <summary>Leaves one of two. The label comes first: at no time is there none that bears it, and what bears it is the guest's, whatever was heard since.</summary>
    public static async Task SettleAsync(IKubeClient kubernetes, VirtualMachineInstance vmi, StateClaims claims, bool arrived, CancellationToken ct)
    {
        var ns = vmi.Metadata.Namespace;
        // Where somebody has deleted the new one there is nothing to exchange the other for.
        if (await kubernetes.FindAsync<PersistentVolumeClaim>(ns, claims.Target, ct).ConfigureAwait(false) is not { Metadata: var made })
            return;
        var isGuests = made.Labels?.ContainsKey(StateVolume.OwnerLabel) is true;
        if (arrived && !isGuests)
            await kubernetes.PatchAsync<PersistentVolumeClaim>(ns, claims.Target, PatchType.Merge, GuestsOwn(made.Uid, vmi.Metadata.Name), ct: ct).ConfigureAwait(false);
        if (arrived || isGuests)
            await DeleteAsync(kubernetes, ns, claims.Source, null, ct).ConfigureAwait(false);
        else
            await DeleteAsync(kubernetes, ns, claims.Target, made.Uid, ct).ConfigureAwait(false);
    }

    private static JsonObject GuestsOwn(string? uid, string? vmi) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["uid"] = uid,
            ["labels"] = new JsonObject { [StateVolume.OwnerLabel] = vmi, [StateVolume.MigrationLabel] = null },
        },
    };

    private static async Task DeleteAsync(IKubeClient kubernetes, string? ns, string name, string? uid, CancellationToken ct)
    {
        try
        {
            await kubernetes.DeleteAsync<PersistentVolumeClaim>(ns, name, new DeleteQuery(uid), ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }
}
