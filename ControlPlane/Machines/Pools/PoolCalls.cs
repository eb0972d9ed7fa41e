using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>The API calls of a pool; each may be repeated.</summary>
internal sealed class PoolCalls(IKubeClient kubernetes)
{
    /// <returns>The machine, or the one that has its name already: ours from before a crash, or a stranger.</returns>
    public async Task<(VirtualMachine Machine, bool IsNew)> CreateAsync(VirtualMachine machine, CancellationToken ct)
    {
        try
        {
            return (await kubernetes.CreateAsync(machine, ct).ConfigureAwait(false), true);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            return (await kubernetes.GetAsync<VirtualMachine>(machine.Metadata.Namespace, machine.Metadata.Name!, ct).ConfigureAwait(false), false);
        }
    }

    /// <returns>False when it was gone already.</returns>
    public async Task<bool> DeleteAsync(VirtualMachine machine, bool preserveState, bool foreground, CancellationToken ct)
    {
        if (preserveState)
            await PreserveAsync(machine, ct).ConfigureAwait(false);
        try
        {
            await kubernetes.DeleteAsync<VirtualMachine>(machine.Metadata.Namespace, machine.Metadata.Name!, new DeleteQuery(machine.Metadata.Uid, PropagationPolicy: foreground ? "Foreground" : null), ct).ConfigureAwait(false);
            return true;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Null when it is gone.</summary>
    public async Task<T?> SetFinalizersAsync<T>(T obj, IReadOnlyList<string> finalizers, CancellationToken ct) where T : KubeObject
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = obj.Metadata.ResourceVersion, ["finalizers"] = new JsonArray([.. finalizers.Select(f => JsonValue.Create(f))]) } };
        try
        {
            return await kubernetes.PatchAsync<T>(obj.Metadata.Namespace, obj.Metadata.Name!, PatchType.Merge, patch, ct: ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    public async Task EnsureRevisionAsync(VirtualMachinePool pool, CancellationToken ct)
    {
        try
        {
            await kubernetes.CreateAsync(PoolMember.MakeRevision(pool), ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // The name says the content: pool and generation.
        }
    }

    /// <summary>Null when there is no such revision.</summary>
    public async Task<VirtualMachinePoolSpec?> RevisionAsync(string? ns, string name, CancellationToken ct) =>
        (await kubernetes.FindAsync<ControllerRevision>(ns, name, ct).ConfigureAwait(false))?.Data?.Deserialize(ApiJson.Default.VirtualMachinePoolSpec);

    public async Task PruneAsync(VirtualMachinePool pool, IReadOnlySet<string> keep, CancellationToken ct)
    {
        var all = await kubernetes.ListAsync<ControllerRevision>(pool.Metadata.Namespace, new ListQuery(LabelSelector: $"{Labels.CreatedBy}={pool.Metadata.Uid}"), ct).ConfigureAwait(false);
        foreach (var unused in all.Items.Where(r => !keep.Contains(r.Metadata.Name!)))
        {
            try
            {
                await kubernetes.DeleteAsync<ControllerRevision>(unused.Metadata.Namespace, unused.Metadata.Name!, new DeleteQuery(unused.Metadata.Uid), ct).ConfigureAwait(false);
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                // Somebody else removed it.
            }
        }
    }

    /// <summary>What a machine's disks are kept in outlives it; a machine of the same name finds them again.</summary>
    public async Task PreserveAsync(VirtualMachine machine, CancellationToken ct)
    {
        var volumes = machine.Spec?.Template?.Spec?.Volumes ?? [];
        var templates = (machine.Spec?.DataVolumeTemplates ?? []).Select(t => t.Metadata?.Name);
        foreach (var name in templates.Concat(volumes.Select(v => v.DataVolume?.Name)).OfType<string>().Distinct())
            await LetGoAsync<DataVolume>(machine, name, ct).ConfigureAwait(false);
        foreach (var name in templates.Concat(volumes.Select(v => v.PersistentVolumeClaim?.ClaimName)).OfType<string>().Distinct())
            await LetGoAsync<PersistentVolumeClaim>(machine, name, ct).ConfigureAwait(false);
    }

    private async Task LetGoAsync<T>(VirtualMachine machine, string name, CancellationToken ct) where T : KubeObject
    {
        if (await kubernetes.FindAsync<T>(machine.Metadata.Namespace, name, ct).ConfigureAwait(false) is { } owned && OwnerReferences.IsOwned(owned, machine.Metadata.Uid!))
            await OwnerReferences.RemoveAsync(kubernetes, owned, machine.Metadata.Uid!, ct).ConfigureAwait(false);
    }
}
