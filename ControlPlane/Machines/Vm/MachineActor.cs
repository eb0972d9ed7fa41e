using Akka.Actor;
using Troupe.ControlPlane.Vmi;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What a MachineActor works with.</summary>
/// <param name="Config">Asked for each decision: administrators may change it.</param>
public sealed record MachineActorServices(IKubeClient Kubernetes, EventRecorder Events, Func<MachineConfig> Config, TimeProvider Time, ILogger Log);

internal enum MachineCall
{
    Start,
    DeleteInstance,
    PatchMachine,
    PatchInstance,
    CreateDataVolume,
    LoadRevision,
    WriteStatus,
}

/// <summary>
/// Owner of one VirtualMachine; entity id is its UID. A shell around <see cref="MachineLifecycle"/>. Nothing is journaled: what must be
/// remembered stands in the machine's status, and is there before anything is done that could lose it.
/// </summary>
public sealed class MachineActor : ReceiveActor, IWithTimers
{
    private readonly MachineActorServices _services;
    private readonly ApiCalls<MachineCall> _calls = new();
    private readonly MachineStart _start;
    private MachineState _state;

    public MachineActor(string uid, MachineActorServices services)
    {
        _services = services;
        _state = new MachineState(uid);
        _start = new MachineStart(services.Kubernetes);
        Receive<IMachineMessage>(Observe);
        Receive<LookAgain>(_ => Proceed());
        Receive<WriteStatus>(_ => Write());
        Receive<TryAgain>(again =>
        {
            _calls.Release(again.Call);
            Proceed();
        });
        Receive<Called>(OnCalled);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How long writes are held back so that a burst of news becomes one.</summary>
    public static readonly TimeSpan WriteDelay = TimeSpan.FromMilliseconds(40);

    public static Props Props(string uid, MachineActorServices services) => Akka.Actor.Props.Create(() => new MachineActor(uid, services));

    protected override void PostStop()
    {
        _calls.Dispose();
        base.PostStop();
    }

    private void Observe(IMachineMessage message)
    {
        _state = _state.Observe(message);
        Proceed();
    }

    private MachineDecision? Decide() => MachineLifecycle.Decide(_state, _services.Config(), _services.Time.GetUtcNow(), Random.Shared.NextDouble());

    private void Proceed()
    {
        if (Decide() is not { } decision)
            return;
        foreach (var effect in decision.Effects)
            Perform(effect);
        ScheduleWrite(decision);
    }

    private void Perform(MachineEffect effect)
    {
        var ns = _state.Machine?.Metadata.Namespace;
        var name = _state.Machine?.Metadata.Name;
        switch (effect)
        {
            case MachineEffect.StartInstance start:
                Start(start.Paused);
                break;
            case MachineEffect.DeleteInstance delete:
                Do(MachineCall.DeleteInstance, async ct =>
                {
                    await _services.Kubernetes.DeleteAsync<VirtualMachineInstance>(ns, delete.Name, new DeleteQuery(delete.Uid), ct).ConfigureAwait(false);
                    _services.Events.Record(About(), "Normal", "SuccessfulDelete", $"Stopped the virtual machine by deleting the virtual machine instance {delete.Uid}");
                    var at = _services.Time.GetUtcNow();
                    return s => s.WithInstanceDeleting(delete.Uid, at);
                }, e => e is KubeException { IsNotFound: true } ? s => s.Observe(new InstanceGone(s.Uid, delete.Uid)) : null);
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
                    var written = await _services.Kubernetes.PatchAsync<VirtualMachineInstance>(ns, name!, PatchType.Merge, patch.Patch, ct: ct).ConfigureAwait(false);
                    return s => (s.Failure?.Reason == patch.FailureReason ? s with { Failure = null } : s).Observe(new InstanceObserved(s.Uid, written));
                }, e => e is KubeException { IsConflict: false, IsNotFound: false } refused ? s => s with { Failure = new SyncFailure(patch.FailureReason, refused.Message) } : null);
                break;
            case MachineEffect.CreateDataVolume create:
                Do(MachineCall.CreateDataVolume, async ct =>
                {
                    var made = await _services.Kubernetes.CreateAsync(create.DataVolume, ct).ConfigureAwait(false);
                    _services.Events.Record(About(), "Normal", "SuccessfulDataVolumeCreate", $"Created DataVolume {made.Metadata.Name}");
                    return s => s.Observe(new DataVolumeObserved(s.Uid, made));
                }, null);
                break;
            case MachineEffect.LoadRevision load:
                Do(MachineCall.LoadRevision, async ct =>
                {
                    var revision = await _services.Kubernetes.GetAsync<ControllerRevision>(ns, load.Name, ct).ConfigureAwait(false);
                    return s => StartRevision.Spec(revision) is { } spec ? s with { Started = new StartedRevision(load.Name, spec) } : s;
                }, null);
                break;
            case MachineEffect.Announce announce:
                _services.Events.Record(About(), announce.Type, announce.Reason, announce.Message);
                break;
            case MachineEffect.LookAgain again:
                Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, again.After);
                break;
            case MachineEffect.Retire:
                Context.Parent.Tell(new Akka.Cluster.Sharding.Passivate(PoisonPill.Instance));
                break;
        }
    }

    private void Start(bool paused)
    {
        var (machine, started) = (_state.Machine!, _state.Started?.Name);
        Do(MachineCall.Start, async ct =>
        {
            var result = await _start.RunAsync(machine, paused, started, ct).ConfigureAwait(false);
            if (result.Created)
                _services.Events.Record(About(), "Normal", "SuccessfulCreate", $"Started the virtual machine by creating the new virtual machine instance {result.Instance.Metadata.Name}");
            return s => (s with { Started = result.Revision, Failure = null, InstancetypeRef = result.InstancetypeRef, PreferenceRef = result.PreferenceRef })
                .Observe(new InstanceObserved(s.Uid, result.Instance));
        }, e =>
        {
            var message = $"Error creating virtual machine instance: {e.Message}";
            if (_state.Failure?.Message != message)
                _services.Events.Record(About(), "Warning", "FailedCreate", message);
            return s => s with { Failure = new SyncFailure("FailedCreate", message) };
        });
    }

    private void ScheduleWrite(MachineDecision decision)
    {
        if (_state is { Gone: false, Machine: not null } && _calls.IsFree(MachineCall.WriteStatus) && !Timers.IsTimerActive(nameof(WriteStatus))
            && MachineProjection.Patch(_state, decision, _services.Time.GetUtcNow()) is not null)
            Timers.StartSingleTimer(nameof(WriteStatus), WriteStatus.Instance, WriteDelay);
    }

    private void Write()
    {
        if (_state.Gone || Decide() is not { } decision || MachineProjection.Patch(_state, decision, _services.Time.GetUtcNow()) is not { } patch)
            return;
        var (ns, name) = (_state.Machine!.Metadata.Namespace, _state.Machine.Metadata.Name!);
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
        }, null);
    }

    /// <param name="call">At most one of a kind runs at a time.</param>
    /// <param name="work">Returns what it came to, as a change of what the actor knows.</param>
    /// <param name="onError">What an error tells, or null when it tells nothing; it is tried again in any case.</param>
    private void Do(MachineCall call, Func<CancellationToken, Task<Func<MachineState, MachineState>>> work, Func<Exception, Func<MachineState, MachineState>?>? onError)
    {
        if (!_calls.Begin(call))
            return;
        var ct = _calls.Stopped;
        Attempt().PipeTo(Self);

        async Task<Called> Attempt()
        {
            try
            {
                return new Called(call, await work(ct).ConfigureAwait(false), null, onError);
            }
            catch (Exception e)
            {
                return new Called(call, null, e, onError);
            }
        }
    }

    private void OnCalled(Called called)
    {
        if (called.Error is OperationCanceledException && _calls.Stopped.IsCancellationRequested)
            return;
        var retry = _calls.End(called.Call, called.Error is not null);
        var change = called.Change;
        if (called.Error is { } error)
        {
            _services.Log.LogWarning("VM {Uid}: {Call} failed, again in {Delay}: {Error}", _state.Uid, called.Call, retry, error.Message);
            Timers.StartSingleTimer($"retry-{called.Call}", new TryAgain(called.Call), retry);
            change = called.OnError?.Invoke(error);
        }

        if (change is not null)
            _state = change(_state);
        Proceed();
    }

    private ObjectReference About() => new()
    {
        ApiVersion = MachineVocabulary.ApiVersion,
        Kind = MachineVocabulary.Kind,
        Uid = _state.Uid,
        Name = _state.Machine?.Metadata.Name,
        Namespace = _state.Machine?.Metadata.Namespace,
        ResourceVersion = _state.Machine?.Metadata.ResourceVersion,
    };

    private sealed record Called(MachineCall Call, Func<MachineState, MachineState>? Change, Exception? Error, Func<Exception, Func<MachineState, MachineState>?>? OnError)
        : INoSerializationVerificationNeeded;

    private sealed record TryAgain(MachineCall Call) : INoSerializationVerificationNeeded;

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class WriteStatus
    {
        public static readonly WriteStatus Instance = new();
    }
}
