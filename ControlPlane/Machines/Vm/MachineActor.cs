using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What a MachineActor works with.</summary>
/// <param name="Config">Asked for each decision: administrators may change it.</param>
public sealed record MachineActorServices(IKubeClient Kubernetes, EventRecorder Events, Func<MachineConfig> Config, TimeProvider Time, ILogger Log);

public enum MachineCall
{
    Start,
    DeleteInstance,
    LookWhoOwnsInstance,
    PatchMachine,
    PatchInstance,
    CreateDataVolume,
    NoteDump,
    LoadRevision,
    LoadSizing,
    WriteStatus,
}

/// <summary>
/// Owner of one VirtualMachine; entity id is its UID. A shell around <see cref="MachineLifecycle"/>. Nothing is journaled: what must be
/// remembered stands in the machine's status, and is there before anything is done that could lose it.
/// </summary>
public sealed class MachineActor : OwnerActor<MachineState, MachineCall>
{
    private const string FailedCreate = "FailedCreate";
    private const string FailedDelete = "FailedDelete";
    private readonly MachineActorServices _services;
    private readonly MachineStart _start;

    public MachineActor(string uid, MachineActorServices services) : base(new MachineState(uid), $"VM {uid}", MachineCall.WriteStatus, services.Log)
    {
        _services = services;
        _start = new MachineStart(services.Kubernetes);
        Receive<IMachineMessage>(m => Change(s => s.Observe(m)));
    }

    public static Props Props(string uid, MachineActorServices services) => Akka.Actor.Props.Create(() => new MachineActor(uid, services));

    private MachineDecision? Decide() => MachineLifecycle.Decide(State, _services.Config(), _services.Time.GetUtcNow(), Random.Shared.NextDouble());

    protected override void Proceed()
    {
        if (Decide() is not { } decision)
            return;
        foreach (var effect in decision.Effects)
            Perform(effect);
        ScheduleWrite(() => State is { Gone: false, Machine: not null } && !IsRunning(MachineCall.Start) && MachineProjection.Patch(State, decision, _services.Time.GetUtcNow()) is not null,
            () => MachineProjection.IsUrgent(State, decision, _services.Time.GetUtcNow()));
    }

    private void Perform(MachineEffect effect)
    {
        var ns = State.Machine?.Metadata.Namespace;
        var name = State.Machine?.Metadata.Name;
        switch (effect)
        {
            case MachineEffect.StartInstance start:
                Start(start.Paused);
                break;
            case MachineEffect.DeleteInstance delete:
                Do(MachineCall.DeleteInstance, async ct =>
                {
                    try
                    {
                        await _services.Kubernetes.DeleteAsync<VirtualMachineInstance>(ns, delete.Name, new DeleteQuery(delete.Uid), ct).ConfigureAwait(false);
                    }
                    catch (KubeException e) when (!e.IsNotFound)
                    {
                        _services.Events.Record(About(), "Warning", FailedDelete, $"Error deleting virtual machine instance {delete.Name}: {e.Message}");
                        throw;
                    }

                    _services.Events.Record(About(), "Normal", "SuccessfulDelete", $"Stopped the virtual machine by deleting the virtual machine instance {delete.Uid}");
                    var at = _services.Time.GetUtcNow();
                    return s => Without(s, FailedDelete).WithInstanceDeleting(delete.Uid, at);
                }, e => e switch
                {
                    KubeException { IsNotFound: true } => s => s.Observe(new InstanceGone(s.Uid, delete.Uid)),
                    KubeException refused => s => s with { Failure = new SyncFailure(FailedDelete, $"Failure attempting to delete VMI: {refused.Message}") },
                    _ => null,
                });
                break;
            case MachineEffect.LookWhoOwnsInstance look:
                Do(MachineCall.LookWhoOwnsInstance, async ct =>
                {
                    var found = await _services.Kubernetes.FindAsync<VirtualMachineInstance>(ns, look.Name, ct).ConfigureAwait(false);
                    return found is null || found.Metadata.Uid != look.Uid
                        ? s => s.Observe(new InstanceGone(s.Uid, look.Uid))
                        : s => s.Observe(new InstanceObserved(s.Uid, found)) with { OwnerSeen = look.Uid };
                });
                break;
            case MachineEffect.PatchMachine patch:
                Do(MachineCall.PatchMachine, async ct =>
                {
                    var written = await _services.Kubernetes.PatchAsync<VirtualMachine>(ns, name!, PatchType.Merge, patch.Patch, ct: ct).ConfigureAwait(false);
                    return s => s.Observe(new MachineObserved(s.Uid, written));
                }, e => e is KubeException { IsNotFound: true } ? s => s with { Gone = true } : null);
                break;
            case MachineEffect.PatchInstance patch:
                Do(MachineCall.PatchInstance, async ct =>
                {
                    VirtualMachineInstance? written;
                    try
                    {
                        written = await _services.Kubernetes.PatchAsync<VirtualMachineInstance>(ns, name!, PatchType.Merge, patch.Patch, ct: ct).ConfigureAwait(false);
                    }
                    catch (KubeException e) when (e.IsConflict || e.IsNotFound)
                    {
                        // Changed or gone since; the feed tells nothing more of an instance that was taken from its machine.
                        written = await _services.Kubernetes.FindAsync<VirtualMachineInstance>(ns, name!, ct).ConfigureAwait(false);
                    }

                    if (written is null)
                        return s => s.Instance is null ? s : s.Observe(new InstanceGone(s.Uid, s.Instance.Metadata.Uid!));
                    return s => Without(s, patch.FailureReason).Observe(new InstanceObserved(s.Uid, written));
                }, e => e is KubeException refused ? s => s with { Failure = new SyncFailure(patch.FailureReason, refused.Message) } : null);
                break;
            case MachineEffect.NoteDump { Note: var note }:
                Do(MachineCall.NoteDump, async ct =>
                {
                    try
                    {
                        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Annotations.MemoryDump] = note.Text } } };
                        await _services.Kubernetes.PatchAsync<PersistentVolumeClaim>(ns, note.Claim, PatchType.Merge, patch, ct: ct).ConfigureAwait(false);
                    }
                    catch (KubeException e) when (e.IsNotFound)
                    {
                        // Deleted since; there is nothing left to be told of.
                    }

                    return s => s with { DumpNote = note };
                });
                break;
            case MachineEffect.CreateDataVolume create:
                Do(MachineCall.CreateDataVolume, async ct =>
                {
                    var made = await _services.Kubernetes.CreateAsync(create.DataVolume, ct).ConfigureAwait(false);
                    _services.Events.Record(About(), "Normal", "SuccessfulDataVolumeCreate", $"Created DataVolume {made.Metadata.Name}");
                    return s => Without(s, FailedCreate).Observe(new DataVolumeObserved(s.Uid, made));
                }, e =>
                {
                    if (e is not KubeException refused)
                        return null;
                    var failure = new SyncFailure(FailedCreate, $"Error encountered while creating DataVolumes: failed to create DataVolume: {refused.Message}");
                    if (State.Failure != failure)
                        _services.Events.Record(About(), "Warning", "FailedDataVolumeCreate", $"Error creating DataVolume {create.DataVolume.Metadata.Name}: {refused.Message}");
                    return s => s with { Failure = failure };
                });
                break;
            case MachineEffect.LoadRevision load:
                Do(MachineCall.LoadRevision, async ct =>
                {
                    var revision = await _services.Kubernetes.GetAsync<ControllerRevision>(ns, load.Name, ct).ConfigureAwait(false);
                    return s => StartRevision.Spec(revision) is { } spec ? s with { Started = new StartedRevision(load.Name, spec) } : s;
                });
                break;
            case MachineEffect.LoadSizing load:
                var machine = State.Machine!;
                Do(MachineCall.LoadSizing, async ct =>
                {
                    var (change, instancetype, preference) = await _start.ResizeAsync(machine, load.Started, load.Key, ct).ConfigureAwait(false);
                    return s => s with { Sizing = change, InstancetypeRef = instancetype, PreferenceRef = preference };
                }, e => e is InstancetypeMissingException ? s => s with { Sizing = new SizingChange(load.Key, null, null) } : null);
                break;
            case MachineEffect.Announce announce:
                _services.Events.Record(About(), announce.Type, announce.Reason, announce.Message);
                break;
            case MachineEffect.LookAgain again:
                LookAgainAfter(again.After);
                break;
            case MachineEffect.Retire:
                Retire();
                break;
        }
    }

    private void Start(bool paused)
    {
        var (machine, started) = (State.Machine!, State.Started?.Name);
        Do(MachineCall.Start, async ct =>
        {
            var result = await _start.RunAsync(machine, paused, started, ct).ConfigureAwait(false);
            if (result.Created)
                _services.Events.Record(About(), "Normal", "SuccessfulCreate", $"Started the virtual machine by creating the new virtual machine instance {result.Instance.Metadata.Name}");
            return s => (s with { Started = result.Revision, Failure = null, InstancetypeRef = result.InstancetypeRef, PreferenceRef = result.PreferenceRef })
                .Observe(new InstanceObserved(s.Uid, result.Instance));
        }, e =>
        {
            var failure = new SyncFailure(FailedCreate, $"Failure while starting VMI: {e.Message}");
            if (State.Failure != failure)
                _services.Events.Record(About(), "Warning", FailedCreate, $"Error creating virtual machine instance: {e.Message}");
            return s => s with { Failure = failure };
        });
    }

    /// <summary>What went wrong has gone well now.</summary>
    private static MachineState Without(MachineState state, string reason) => state.Failure?.Reason == reason ? state with { Failure = null } : state;

    protected override void Write()
    {
        // A start is told together with the instance that it makes, or why it made none.
        if (State.Gone || IsRunning(MachineCall.Start) || Decide() is not { } decision || MachineProjection.Patch(State, decision, _services.Time.GetUtcNow()) is not { } patch)
            return;
        var (ns, name) = (State.Machine!.Metadata.Namespace, State.Machine.Metadata.Name!);
        Do(MachineCall.WriteStatus, async ct =>
        {
            try
            {
                var written = await _services.Kubernetes.PatchAsync<VirtualMachine>(ns, name, PatchType.Merge, patch, "status", ct: ct).ConfigureAwait(false);
                return s => s.Observe(new MachineObserved(s.Uid, written));
            }
            catch (KubeException e) when (e.IsNotFound || e.IsConflict)
            {
                // Somebody else wrote meanwhile, or it is gone; the next try starts from what there is.
                var now = await _services.Kubernetes.FindAsync<VirtualMachine>(ns, name, ct).ConfigureAwait(false);
                return s => now is not null && now.Metadata.Uid == s.Uid ? s.Observe(new MachineObserved(s.Uid, now)) : s with { Gone = true };
            }
        });
    }

    private ObjectReference About() => new()
    {
        ApiVersion = MachineVocabulary.ApiVersion,
        Kind = MachineVocabulary.Kind,
        Uid = State.Uid,
        Name = State.Machine?.Metadata.Name,
        Namespace = State.Machine?.Metadata.Namespace,
        ResourceVersion = State.Machine?.Metadata.ResourceVersion,
    };
}
