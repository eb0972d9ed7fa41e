using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.ControlPlane.Migration;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The cluster's settings that matter to machines.</summary>
/// <param name="LiveUpdate">Changes reach running guests where they can (`vmRolloutStrategy`).</param>
/// <param name="CpuAllocationRatio">vCPUs for each requested CPU.</param>
public sealed record MachineConfig(bool LiveUpdate = true, int CpuAllocationRatio = 10)
{
    public static MachineConfig Of(KubeVirtConfiguration? configuration) => new(
        configuration?.VmRolloutStrategy is not "Stage",
        configuration?.DeveloperConfiguration?.CpuAllocationRatio is > 0 and var ratio ? ratio : 10);
}

/// <summary>What is to be done for a machine, and what its status is to say.</summary>
public sealed record MachineDecision(IReadOnlyList<MachineEffect> Effects)
{
    public IReadOnlyList<VirtualMachineStateChangeRequest> Requests { get; init; } = [];
    public IReadOnlyList<VirtualMachineVolumeRequest>? VolumeRequests { get; init; }
    public VirtualMachineStartFailure? StartFailure { get; init; }
    public bool StartExpected { get; init; }
    public bool StopExpected { get; init; }

    /// <summary>Why changes wait for a restart; the message of the condition.</summary>
    public string? RestartRequired { get; init; }
    public SyncFailure? Failure { get; init; }
}

/// <summary>The life of a VirtualMachine as a pure function.</summary>
public static class MachineLifecycle
{
    /// <summary>Null when nothing can be said yet.</summary>
    /// <param name="jitter">0 to 1, for the delay after a failed start.</param>
    public static MachineDecision? Decide(MachineState state, MachineConfig config, DateTimeOffset now, double jitter)
    {
        if (state.Gone)
            return new MachineDecision([new MachineEffect.Retire()]);
        if (state.Machine is not { } machine || !state.InstanceKnown)
            return null;
        var decision = machine.Metadata.DeletionTimestamp is null ? Run(state, machine, config, now, jitter) : End(state, machine);
        return decision with { Effects = [.. decision.Effects, .. ReleaseInstance(state)] };
    }

    private static MachineDecision Run(MachineState state, VirtualMachine machine, MachineConfig config, DateTimeOffset now, double jitter)
    {
        var (instance, status) = (state.Instance, machine.Status);
        var strategy = RunStrategies.Of(machine.Spec);
        var run = RunStrategyRules.Decide(strategy, status?.RunStrategy, instance, status?.StateChangeRequests ?? []);
        var failure = StartBackoff.Observe(status?.StartFailure, strategy, instance, now, jitter);
        var effects = new List<MachineEffect>();
        if (machine.Metadata.Finalizers?.Contains(MachineVocabulary.Finalizer) is not true)
            effects.Add(Finalizers(machine, [.. machine.Metadata.Finalizers ?? [], MachineVocabulary.Finalizer]));
        if (run.SetRunStrategy is { } next)
            effects.Add(SetStrategy(machine, next));
        effects.AddRange(DataVolumeTemplates.Missing(machine, state.DataVolumes, run.Start).Select(d => new MachineEffect.CreateDataVolume(d)));
        var volumes = Volumes(machine, instance, effects);
        effects.AddRange(MemoryDumps.Effects(machine, instance, state.DumpNote));
        if (DetachedNics(machine, instance) is { } nics && !effects.Exists(e => e is MachineEffect.PatchMachine))
            effects.Add(nics);
        var decision = new MachineDecision(effects) { Requests = run.Requests, VolumeRequests = volumes, StartFailure = failure };
        if (run.Start)
            return Start(decision, state, machine, now);
        if (instance is null)
            return decision;
        // The instance is the only witness of how it ended: what its end means is written down before it may go.
        if (run.Stop && !instance.IsDeleting() && Remembered(status, run, failure) && VolumeUpdates.IsRemembered(machine, instance))
            effects.Add(new MachineEffect.DeleteInstance(instance.Metadata.Name!, instance.Metadata.Uid!));
        if (run.Stop || instance.IsFinal() || instance.IsDeleting())
            return decision with { StopExpected = run.Stop, RestartRequired = null };
        var (restart, problem) = Follow(state, machine, instance, config, effects);
        return decision with { RestartRequired = restart, Failure = problem };
    }

    private static bool Remembered(VirtualMachineStatus? status, RunDecision run, VirtualMachineStartFailure? failure) =>
        status?.StartFailure?.LastFailedVMIUID == failure?.LastFailedVMIUID
        && run.Requests.Count(r => r.Action == StateChanges.Start) <= (status?.StateChangeRequests?.Count(r => r.Action == StateChanges.Start) ?? 0);

    private static MachineDecision Start(MachineDecision decision, MachineState state, VirtualMachine machine, DateTimeOffset now)
    {
        var effects = (List<MachineEffect>)decision.Effects;
        if (decision.StartFailure?.RetryAfterTimestamp is { } retry && retry > now)
        {
            effects.Add(new MachineEffect.LookAgain(retry - now));
            return decision;
        }

        if (VolumeUpdates.ManualRecovery(machine, state.Instance) is not null || machine.Status?.RestoreInProgress is { Length: > 0 })
            return decision;
        if (DataVolumeTemplates.Ready(machine, state.DataVolumes))
            effects.Add(new MachineEffect.StartInstance(StateChanges.StartsPaused(machine.Status?.StateChangeRequests)));
        return decision with { StartExpected = true };
    }

    /// <summary>Brings a running instance after a changed template; returns why a restart is needed, and what cannot be done at all for now.</summary>
    private static (string? RestartRequired, SyncFailure? Failure) Follow(MachineState state, VirtualMachine machine, VirtualMachineInstance instance, MachineConfig config, List<MachineEffect> effects)
    {
        var generation = machine.Metadata.Generation;
        if (MachineProjection.Generation(instance) == generation || instance.Spec is null)
            return (null, null);
        var revision = instance.Status?.VirtualMachineRevisionName;
        if (revision is { Length: > 0 } && state.Started?.Name != revision)
            effects.Add(new MachineEffect.LoadRevision(revision));
        if (state.Started is not { } started || started.Name != revision)
            return (machine.Status?.Conditions?.FirstOrDefault(c => c.Type == MachineConditions.RestartRequired)?.Message, null);
        // Claims are judged by what the instance has now: it may have moved to others since it was started.
        var volumes = VolumeUpdates.Decide(machine, instance);
        var (before, after) = (VolumeUpdates.WithClaimsOf(instance.Spec, started.Spec.Template?.Spec ?? new()), VolumeUpdates.WithClaimsOf(instance.Spec, machine.Spec?.Template?.Spec ?? new()));
        // An instance type may have given the instance its node selector; the template then has none.
        var (from, to) = (before, machine.Spec?.Instancetype is not null && after.NodeSelector is null ? after with { NodeSelector = instance.Spec.NodeSelector } : after);
        var sizingKey = $"{started.Name}:{generation}";
        string? problem = null;
        if (!SameSizing(started.Spec, machine.Spec!))
        {
            if (state.Sizing?.Key != sizingKey)
            {
                effects.Add(new MachineEffect.LoadSizing(started.Spec, sizingKey));
                return (machine.Status?.Conditions?.FirstOrDefault(c => c.Type == MachineConditions.RestartRequired)?.Message, null);
            }

            if (state.Sizing is { Before: { } old, After: { } next })
                (from, to) = (Sized(before, old), Sized(after, next));
            else
                problem = LiveUpdate.NotLiveUpdatable;
        }

        var outcome = LiveUpdate.Decide(from, to, instance.Spec, config);
        var reason = problem ?? outcome.RestartRequired ?? volumes.RestartRequired;
        var wanted = LiveDevices.WithoutDetached(VolumeUpdates.Apply(volumes, outcome.Instance), name => instance.Status?.Phase is not VmiPhases.Running || IsShown(instance, name));
        var patch = MergePatch.Between(LiveUpdate.Json(instance.Spec), LiveUpdate.Json(wanted)) is { } spec ? new JsonObject { ["spec"] = spec } : [];
        if (volumes.Migrated is { } migrated)
            patch["status"] = new JsonObject { ["migratedVolumes"] = JsonSerializer.SerializeToNode(migrated, ApiJson.Default.IReadOnlyListStorageMigratedVolumeInfo) };
        var annotations = Descheduling.Between(instance.Metadata.Annotations, machine.Spec?.Template?.Metadata?.Annotations);
        if (LiveUpdate.Same(from, to) && LiveUpdate.Same(before, after) && reason is null && !VolumeUpdates.Differ(machine, instance))
            annotations[MachineVocabulary.GenerationAnnotation] = generation?.ToString(CultureInfo.InvariantCulture);
        if (annotations.Count > 0)
            patch["metadata"] = new JsonObject { ["annotations"] = annotations };
        if (patch.Count > 0)
            effects.Add(new MachineEffect.PatchInstance(patch, "FailedUpdateError"));
        return (reason, volumes.Failure);
    }

    private static bool IsShown(VirtualMachineInstance instance, string? nic) => instance.Status?.Interfaces?.Any(i => i.Name == nic) is true;

    /// <summary>A NIC that the template marks absent leaves it when the instance has nothing of it any more.</summary>
    private static MachineEffect.PatchMachine? DetachedNics(VirtualMachine machine, VirtualMachineInstance? instance)
    {
        if (machine.Spec?.Template?.Spec is not { } spec || instance?.IsDeleting() is true)
            return null;
        var left = LiveDevices.WithoutDetached(spec, name => instance is not null && (instance.Spec?.Domain?.Devices?.Interfaces?.Any(i => i.Name == name) is true || IsShown(instance, name)));
        return ReferenceEquals(left, spec) ? null : Template(machine, spec, left);
    }

    private static MachineEffect.PatchMachine Template(VirtualMachine machine, VirtualMachineInstanceSpec spec, VirtualMachineInstanceSpec wanted) => new(new JsonObject
    {
        ["metadata"] = new JsonObject { ["resourceVersion"] = machine.Metadata.ResourceVersion },
        ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = MergePatch.Between(LiveUpdate.Json(spec), LiveUpdate.Json(wanted)) } },
    });

    private static VirtualMachineInstanceSpec Sized(VirtualMachineInstanceSpec spec, UsedInstancetypes used) =>
        InstancetypeApplication.Apply(AutoattachDefaults.BeforePreference(spec, used.Preference), used.Instancetype, used.Preference).Spec;

    private static bool SameSizing(VirtualMachineSpec started, VirtualMachineSpec wanted) =>
        (started.Instancetype?.Name, started.Instancetype?.Kind) == (wanted.Instancetype?.Name, wanted.Instancetype?.Kind)
        && (started.Preference?.Name, started.Preference?.Kind) == (wanted.Preference?.Name, wanted.Preference?.Kind);

    /// <summary>Writes requested volumes into the template; a request stays until the spec says it.</summary>
    private static List<VirtualMachineVolumeRequest>? Volumes(VirtualMachine machine, VirtualMachineInstance? instance, List<MachineEffect> effects)
    {
        if (machine.Status?.VolumeRequests is not { Count: > 0 } requests || machine.Spec?.Template?.Spec is not { } spec)
            return null;
        var wanted = VolumeRequests.Apply(spec, requests);
        if (ReferenceEquals(wanted, spec))
            return null;
        effects.Add(Template(machine, spec, wanted));
        return [.. requests];
    }

    /// <summary>A machine that is being deleted: its instance first, then its own finalizer.</summary>
    private static MachineDecision End(MachineState state, VirtualMachine machine)
    {
        if (state.Instance is { } instance && !instance.IsDeleting())
        {
            var (name, uid) = (instance.Metadata.Name!, instance.Metadata.Uid!);
            // Who orphans takes the owner reference away, and his finalizer from the machine: either may be seen first, or never.
            var orphaned = machine.Metadata.Finalizers?.Contains(MachineVocabulary.OrphanFinalizer) is true;
            if (!orphaned && state.OwnerSeen != uid)
                return new MachineDecision([new MachineEffect.LookWhoOwnsInstance(name, uid)]) { StopExpected = true };
            if (!orphaned && OwnerReferences.IsOwned(instance, state.Uid))
                return new MachineDecision([new MachineEffect.DeleteInstance(name, uid)]) { StopExpected = true };
            if (instance.Metadata.Finalizers?.Contains(MachineVocabulary.Finalizer) is true)
                return new MachineDecision([Release(instance)]);
        }
        else if (state.Instance is not null)
            return new MachineDecision([]) { StopExpected = true };

        return machine.Metadata.Finalizers?.Contains(MachineVocabulary.Finalizer) is true
            ? new MachineDecision([Finalizers(machine, [.. machine.Metadata.Finalizers.Where(f => f != MachineVocabulary.Finalizer)])])
            : new MachineDecision([]);
    }

    /// <summary>An instance that ended and is being deleted has been seen: it may go.</summary>
    private static IEnumerable<MachineEffect> ReleaseInstance(MachineState state) =>
        state.Instance is { } instance && instance.IsDeleting() && instance.IsFinal() && (state.Machine?.Metadata.DeletionTimestamp is not null || VolumeUpdates.IsRemembered(state.Machine!, instance)) && instance.Metadata.Finalizers?.Contains(MachineVocabulary.Finalizer) is true
            ? [Release(instance)]
            : [];

    private static MachineEffect.PatchInstance Release(VirtualMachineInstance instance) =>
        new(FinalizerPatch((instance.Metadata.Finalizers ?? []).Where(f => f != MachineVocabulary.Finalizer), instance.Metadata.ResourceVersion), "FailedDelete");

    private static MachineEffect.PatchMachine Finalizers(VirtualMachine machine, IReadOnlyList<string> finalizers) =>
        new(FinalizerPatch(finalizers, machine.Metadata.ResourceVersion));

    /// <summary>Lists are replaced whole in a merge patch: a finalizer that somebody else added in the meantime must not be lost.</summary>
    private static JsonObject FinalizerPatch(IEnumerable<string> finalizers, string? resourceVersion) => new()
    {
        ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]), ["resourceVersion"] = resourceVersion },
    };

    private static MachineEffect.PatchMachine SetStrategy(VirtualMachine machine, string strategy) => new(new JsonObject
    {
        ["spec"] = machine.Spec?.Running is null
            ? new JsonObject { ["runStrategy"] = strategy }
            : new JsonObject { ["running"] = strategy == RunStrategies.Always },
    });
}
