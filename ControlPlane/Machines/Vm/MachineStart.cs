using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <param name="Created">False when the instance was there already: made before a crash.</param>
internal sealed record StartResult(
    VirtualMachineInstance Instance, bool Created, StartedRevision Revision, InstancetypeStatusRef? InstancetypeRef, InstancetypeStatusRef? PreferenceRef);

/// <summary>The API calls of one start: revisions first, then the instance. Each may be repeated.</summary>
internal sealed class MachineStart(IKubeClient kubernetes)
{
    /// <param name="lastRevision">The start revision that is known to exist.</param>
    /// <exception cref="InvalidOperationException">The machine can't be started as it is.</exception>
    public async Task<StartResult> RunAsync(VirtualMachine machine, bool paused, string? lastRevision, CancellationToken ct)
    {
        var reader = new InstancetypeReader(new ClusterObjects(kubernetes));
        var instancetype = await reader.InstancetypeAsync(machine, ct).ConfigureAwait(false);
        var preference = await reader.PreferenceAsync(machine, ct).ConfigureAwait(false);
        var revision = StartRevision.Make(machine);
        var (instance, conflicts) = InstanceBuilder.Build(machine, new InstanceParts(instancetype?.Spec, preference?.Spec, revision.Metadata.Name!, paused));
        if (conflicts.Count > 0)
            throw new InvalidOperationException(InstancetypeConflicts.Message(string.Join(", ", conflicts.Select(c => $"spec.template.spec.{c}"))));
        foreach (var kept in new[] { instancetype?.NewRevision, preference?.NewRevision }.OfType<ControllerRevision>())
            await EnsureAsync(kept, ct).ConfigureAwait(false);
        if (lastRevision != revision.Metadata.Name)
        {
            await EnsureAsync(revision, ct).ConfigureAwait(false);
            await ForgetOthersAsync(revision, machine.Metadata.Uid!, ct).ConfigureAwait(false);
        }

        var (made, created) = await CreateAsync(instance, machine.Metadata.Uid!, ct).ConfigureAwait(false);
        return new StartResult(made, created, new StartedRevision(revision.Metadata.Name!, machine.Spec!), instancetype?.Reference, preference?.Reference);
    }

    /// <summary>What a running machine was sized by and what it names now; the latter is kept as a revision from here on.</summary>
    /// <exception cref="InstancetypeMissingException">One of them does not exist.</exception>
    public async Task<(SizingChange Change, InstancetypeStatusRef? Instancetype, InstancetypeStatusRef? Preference)> ResizeAsync(
        VirtualMachine machine, VirtualMachineSpec started, string key, CancellationToken ct)
    {
        var reader = new InstancetypeReader(new ClusterObjects(kubernetes));
        // Its status speaks of what it names now.
        var before = machine with { Spec = started, Status = null };
        var old = new UsedInstancetypes((await reader.InstancetypeAsync(before, ct).ConfigureAwait(false))?.Spec, (await reader.PreferenceAsync(before, ct).ConfigureAwait(false))?.Spec);
        var instancetype = await reader.InstancetypeAsync(machine, ct).ConfigureAwait(false);
        var preference = await reader.PreferenceAsync(machine, ct).ConfigureAwait(false);
        foreach (var kept in new[] { instancetype?.NewRevision, preference?.NewRevision }.OfType<ControllerRevision>())
            await EnsureAsync(kept, ct).ConfigureAwait(false);
        return (new SizingChange(key, old, new UsedInstancetypes(instancetype?.Spec, preference?.Spec)), instancetype?.Reference, preference?.Reference);
    }

    private async Task<(VirtualMachineInstance Instance, bool Created)> CreateAsync(VirtualMachineInstance instance, string owner, CancellationToken ct)
    {
        try
        {
            return (await kubernetes.CreateAsync(instance, ct).ConfigureAwait(false), true);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // Ours from before a crash; a stranger of this name is not.
            var existing = await kubernetes.FindAsync<VirtualMachineInstance>(instance.Metadata.Namespace, instance.Metadata.Name!, ct).ConfigureAwait(false);
            return existing is not null && OwnerReferences.IsOwned(existing, owner) ? (existing, false) : throw new InvalidOperationException(e.Message);
        }
    }

    private async Task EnsureAsync(ControllerRevision revision, CancellationToken ct)
    {
        try
        {
            await kubernetes.CreateAsync(revision, ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // The name says the content: object, UID and generation.
        }
    }

    private async Task ForgetOthersAsync(ControllerRevision present, string owner, CancellationToken ct)
    {
        var all = await kubernetes.ListAsync<ControllerRevision>(present.Metadata.Namespace, new ListQuery(LabelSelector: StartRevision.Selector(owner)), ct).ConfigureAwait(false);
        foreach (var old in all.Items.Where(r => r.Metadata.Name != present.Metadata.Name))
        {
            try
            {
                await kubernetes.DeleteAsync<ControllerRevision>(old.Metadata.Namespace, old.Metadata.Name!, new DeleteQuery(old.Metadata.Uid), ct).ConfigureAwait(false);
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                // Another start was quicker.
            }
        }
    }
}
