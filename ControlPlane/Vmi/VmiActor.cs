using System.Text.Json.Nodes;
using Akka.Actor;
using Akka.Persistence;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi;

/// <summary>What a VmiActor works with.</summary>
/// <param name="NodeRegion">Shard region of the node links.</param>
/// <param name="PodOptions">Asked for each pod: whether guests are emulated is known only after the nodes are.</param>
public sealed record VmiActorServices(
    IKubeClient Kubernetes, EventRecorder Events, IActorRef NodeRegion, Func<LauncherPodOptions> PodOptions, TimeProvider Time, ILogger Log);

/// <summary>
/// Owner of one VMI; entity id is the VMI's UID. A shell: it feeds messages to <see cref="VmiLifecycle"/>, journals the decisions,
/// then performs the effects, and keeps the VMI object equal to <see cref="VmiProjection"/>.
/// </summary>
public sealed class VmiActor : ReceivePersistentActor, IWithTimers
{
    private readonly VmiActorServices _services;
    private readonly ApiCalls<Call> _calls;
    private VmiState _state;
    private DomainReported? _unacknowledged;

    public VmiActor(string uid, VmiActorServices services)
    {
        _services = services;
        _state = new VmiState(uid);
        _calls = new ApiCalls<Call>();
        PersistenceId = $"vmi-{uid}";
        Recover<IVmiEvent>(e => _state = _state.Apply(e));
        Recover<RecoveryCompleted>(_ => { });
        Command<DomainReported>(OnReport);
        Command<DomainNotHere>(OnNotHere);
        Command<IVmiMessage>(m => Observe(_state.Observe(m)));
        Command<LookAgain>(_ => Proceed());
        Command<WriteStatus>(_ => Write());
        Command<TryAgain>(OnTryAgain);
        Command<Called>(OnCalled);
        Command<ReceiveTimeout>(_ => { });
    }

    public override string PersistenceId { get; }

    // Nothing is snapshotted: a VMI's whole journal is about ten events.
    public override Recovery Recovery { get; } = new(SnapshotSelectionCriteria.None);

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How long writes are held back so that a burst of news becomes one.</summary>
    public static readonly TimeSpan WriteDelay = TimeSpan.FromMilliseconds(40);

    public static Props Props(string uid, VmiActorServices services) => Akka.Actor.Props.Create(() => new VmiActor(uid, services));

    protected override void PostStop()
    {
        _calls.Dispose();
        base.PostStop();
    }

    private void OnReport(DomainReported report)
    {
        // Whoever holds no right any more must stop repeating itself, too.
        _unacknowledged = report;
        Observe(_state.Observe(report));
    }

    private void OnNotHere(DomainNotHere answer)
    {
        // While the guest should run, the pod tells what became of it; a start is repeated by its timer.
        if (_state is not { IsFinal: true, Released: false } || !_state.HoldsRight(answer))
            return;
        Persist(new DomainReleased(_services.Time.GetUtcNow()), e =>
        {
            Applied(e);
            Proceed();
        });
    }

    private void Observe(VmiState next)
    {
        _state = next;
        Proceed();
    }

    private void Proceed()
    {
        var decision = VmiLifecycle.Decide(_state, _services.Time.GetUtcNow(), PodSuffix());
        if (decision.Events.Count == 0)
        {
            Acknowledge();
            Perform(decision.Effects);
            ScheduleWrite();
            return;
        }

        var left = decision.Events.Count;
        PersistAll(decision.Events, e =>
        {
            Applied(e);
            if (--left == 0)
            {
                Perform(decision.Effects);
                Proceed();
            }
        });
    }

    /// <summary>Only when all that follows from the report is journaled: until then the agent must repeat it.</summary>
    private void Acknowledge()
    {
        if (_unacknowledged is not { } report)
            return;
        _unacknowledged = null;
        _services.NodeRegion.Tell(new ReportAcknowledged(report.Node, report.VmiUid, report.Epoch, report.Sequence));
    }

    private void Applied(IVmiEvent e)
    {
        _state = _state.Apply(e);
        if (e is PhaseEntered phase)
            _services.Log.LogInformation("VMI {Namespace}/{Name} {Uid}: {Phase} {Reason} {Message}", _state.Vmi?.Metadata.Namespace, _state.Vmi?.Metadata.Name, _state.Uid, phase.Phase, phase.Reason, phase.Message);
    }

    private void Perform(IReadOnlyList<VmiEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case VmiEffect.Tell tell:
                    _services.NodeRegion.Tell(tell.Message);
                    break;
                case VmiEffect.Announce announce:
                    _services.Events.Record(About(), announce.Type, announce.Reason, announce.Message);
                    break;
                case VmiEffect.CreatePod create:
                    CreatePod(create.Name);
                    break;
                case VmiEffect.DeletePod delete:
                    DeletePod(delete);
                    break;
                case VmiEffect.MarkUnpaused mark:
                    MarkUnpaused(mark);
                    break;
                case VmiEffect.LookAgain again:
                    Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, again.After);
                    break;
                case VmiEffect.Retire:
                    Context.Parent.Tell(new Akka.Cluster.Sharding.Passivate(PoisonPill.Instance));
                    break;
            }
        }
    }

    private void CreatePod(string name)
    {
        if (!_calls.Begin(Call.CreatePod))
            return;
        var pod = LauncherPodRenderer.Render(VmiDefaults.Apply(_state.Vmi!), name, _services.PodOptions());
        Do(Call.CreatePod, async ct =>
        {
            try
            {
                await _services.Kubernetes.CreateAsync(pod, ct).ConfigureAwait(false);
                _services.Events.Record(About(), "Normal", "SuccessfulCreate", $"Created virtual machine pod {name}");
            }
            catch (KubeException e) when (e.Reason == "AlreadyExists")
            {
                // Ours from before a crash; a stranger of this name is not.
                var existing = await _services.Kubernetes.FindAsync<Pod>(pod.Metadata.Namespace, name, ct).ConfigureAwait(false);
                if (existing?.Metadata.OwnerReferences?.Any(o => o.Uid == _state.Uid) is false)
                    throw;
            }
        });
    }

    private void DeletePod(VmiEffect.DeletePod delete)
    {
        // A creation on its way would survive a deletion that overtakes it.
        if (_state.Pod?.Deleting is true || _calls.IsRunning(Call.CreatePod) || !_calls.Begin(Call.DeletePod))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        Do(Call.DeletePod, async ct =>
        {
            try
            {
                await _services.Kubernetes.DeleteAsync<Pod>(ns, delete.Name, new DeleteQuery(delete.Uid), ct).ConfigureAwait(false);
                _services.Events.Record(About(), "Normal", "SuccessfulDelete", $"Deleted virtual machine pod {delete.Name}");
                return null;
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                return new PodGone(_state.Uid, delete.Name, delete.Uid ?? "");
            }
            catch (KubeException e) when (e.IsConflict && delete.Uid is not null)
            {
                // About the UID, presumably: what bears the name now is not ours.
                if ((await _services.Kubernetes.FindAsync<Pod>(ns, delete.Name, ct).ConfigureAwait(false))?.Metadata.Uid == delete.Uid)
                    throw;
                return new PodGone(_state.Uid, delete.Name, delete.Uid);
            }
        });
    }

    private void MarkUnpaused(VmiEffect.MarkUnpaused mark)
    {
        if (!_calls.Begin(Call.MarkUnpaused))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        var patch = UnpausedGate.Patch(mark.Unpaused, _services.Time.GetUtcNow());
        patch["metadata"] = new JsonObject { ["uid"] = mark.PodUid };
        Do(Call.MarkUnpaused, async ct =>
        {
            try
            {
                // The answer is taken for the feed's, which would come later and meanwhile let the same patch be made again.
                var pod = await _services.Kubernetes.PatchAsync<Pod>(ns, mark.PodName, PatchType.StrategicMerge, patch, "status", ct: ct).ConfigureAwait(false);
                return new PodObserved(_state.Uid, PodProjection.Of(pod));
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                // The feed will say so.
                return null;
            }
        });
    }

    private void ScheduleWrite()
    {
        if (_calls.IsFree(Call.Write) && !Timers.IsTimerActive(nameof(WriteStatus)) && VmiProjection.Patch(_state, _services.Time.GetUtcNow()) is not null)
            Timers.StartSingleTimer(nameof(WriteStatus), WriteStatus.Instance, WriteDelay);
    }

    private void Write()
    {
        if (VmiProjection.Patch(_state, _services.Time.GetUtcNow()) is not { } patch || !_calls.Begin(Call.Write))
            return;
        var (ns, name) = (_state.Vmi!.Metadata.Namespace, _state.Vmi.Metadata.Name!);
        Do(Call.Write, async ct =>
        {
            try
            {
                var written = await _services.Kubernetes.PatchAsync<VirtualMachineInstance>(ns, name, PatchType.Merge, patch, ct: ct).ConfigureAwait(false);
                return new VmiObserved(_state.Uid, written);
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                return (IVmiMessage)new VmiGone(_state.Uid);
            }
            catch (KubeException e) when (e.IsConflict)
            {
                // Somebody else wrote meanwhile; the next try starts from what they wrote. Or they made another VMI of this name.
                return await _services.Kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct).ConfigureAwait(false) is { } now && now.Metadata.Uid == _state.Uid
                    ? new VmiObserved(_state.Uid, now)
                    : new VmiGone(_state.Uid);
            }
        });
    }

    private void Do(Call call, Func<CancellationToken, Task> work) =>
        Do(call, async ct =>
        {
            await work(ct).ConfigureAwait(false);
            return null;
        });

    private void Do(Call call, Func<CancellationToken, Task<IVmiMessage?>> work)
    {
        var ct = _calls.Stopped;
        Attempt().PipeTo(Self);

        async Task<Called> Attempt()
        {
            try
            {
                return new Called(call, await work(ct).ConfigureAwait(false), null);
            }
            catch (Exception e)
            {
                return new Called(call, null, e);
            }
        }
    }

    private void OnCalled(Called called)
    {
        if (called.Error is OperationCanceledException && _calls.Stopped.IsCancellationRequested)
            return;
        var retry = _calls.End(called.Call, called.Error is not null);
        if (called.Error is { } error)
        {
            _services.Log.LogWarning("VMI {Uid}: {Call} failed, again in {Delay}: {Error}", _state.Uid, called.Call, retry, error.Message);
            Timers.StartSingleTimer($"retry-{called.Call}", new TryAgain(called.Call), retry);
            if (called.Call is Call.CreatePod && error is KubeException refused && _state.CreateError != refused.Message)
            {
                _services.Events.Record(About(), "Warning", "FailedCreate", $"Error creating pod: {refused.Message}");
                Observe(_state with { CreateError = refused.Message });
            }

            return;
        }

        if (called.Result is { } message)
            Observe(_state.Observe(message));
        else
            ScheduleWrite();
    }

    private void OnTryAgain(TryAgain again)
    {
        _calls.Release(again.Call);
        if (again.Call is Call.Write)
            Write();
        else
            Proceed();
    }

    private ObjectReference About() => new()
    {
        ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachineInstance", Uid = _state.Uid,
        Name = _state.Vmi?.Metadata.Name, Namespace = _state.Vmi?.Metadata.Namespace, ResourceVersion = _state.Vmi?.Metadata.ResourceVersion,
    };

    /// <summary>Kubernetes' alphabet for generated names: no vowels and nothing that looks like another character.</summary>
    private static string PodSuffix() => string.Create(5, 0, (span, _) => Random.Shared.GetItems("bcdfghjklmnpqrstvwxz2456789", span));

    private sealed record Called(Call Call, IVmiMessage? Result, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record TryAgain(Call Call);

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class WriteStatus
    {
        public static readonly WriteStatus Instance = new();
    }
}
