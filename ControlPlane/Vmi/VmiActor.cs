using System.Text.Json.Nodes;
using Akka.Actor;
using Akka.Persistence;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi;

/// <summary>What a VmiActor works with.</summary>
/// <param name="NodeRegion">Shard region of the node links.</param>
/// <param name="Feeds">The singleton that tells of objects.</param>
/// <param name="PodOptions">Asked for each pod: whether guests are emulated is known only after the nodes are.</param>
public sealed record VmiActorServices(
    IKubeClient Kubernetes, EventRecorder Events, IActorRef NodeRegion, IActorRef Feeds, Func<LauncherPodOptions> PodOptions, TimeProvider Time, ILogger Log)
{
    /// <summary>One for all actors of a process.</summary>
    public CallGate Gate { get; init; } = new();
}

/// <summary>
/// Owner of one VMI; entity id is the VMI's UID. A shell: it feeds messages to <see cref="VmiLifecycle"/>, journals the decisions,
/// then performs the effects, and keeps the VMI object equal to <see cref="VmiProjection"/>.
/// </summary>
public sealed partial class VmiActor : ReceivePersistentActor, IWithTimers
{
    private readonly VmiActorServices _services;
    private readonly ObjectWriter _writer;
    private readonly ApiCalls<Call> _calls;
    private VmiState _state;
    private DomainReported? _unacknowledged;
    private IActorRef? _listener;
    private string? _wish;
    private MigrationNews? _told;

    /// <summary>UIDs of pods whose deletion the API server has accepted: it does not forget that, however long it takes.</summary>
    private readonly HashSet<string> _deleted = [];
    private readonly Dictionary<Call, string?> _deleting = [];

    /// <summary>Pods of which the deletion is under way, all at once.</summary>
    private IReadOnlyList<string> _clearing = [];

    /// <summary>The timer that runs is the short one.</summary>
    private bool _isWriteDue;

    /// <summary>What the object was last found to say. Most of what an actor hears changes nothing, and a comparison costs a millisecond of CPU.</summary>
    private VmiState? _shown;

    public VmiActor(string uid, VmiActorServices services)
    {
        _services = services;
        _state = new VmiState(uid) { LauncherImage = services.PodOptions().Image };
        _calls = new ApiCalls<Call>();
        _writer = new ObjectWriter(services.Kubernetes, services.Time);
        PersistenceId = $"vmi-{uid}";
        Recover<IVmiEvent>(e => _state = _state.Apply(e));
        Recover<RecoveryCompleted>(_ => Timers.StartSingleTimer(nameof(AskFeeds), AskFeeds.Instance, FeedPatience));
        Command<DomainReported>(OnReport);
        Command<DomainNotHere>(OnNotHere);
        Command<MigrateVmi>(OnWish);
        Command<DomainRefused>(OnRefused);
        Command<IVmiMessage>(m => Observe(_state.Observe(m)));
        Command<LookAgain>(_ => Observe(_state));
        Command<WriteStatus>(_ => Write());
        Command<AskFeeds>(_ => OnAskFeeds());
        Command<TryAgain>(OnTryAgain);
        Command<Called>(OnCalled);
        Command<DeleteMessagesSuccess>(_ => Passivate());
        Command<DeleteMessagesFailure>(failure =>
        {
            _services.Log.LogWarning("VMI {Uid}: its journal stays: {Error}", _state.Uid, failure.Cause.Message);
            Passivate();
        });
        Command<ReceiveTimeout>(_ => { });
    }

    public override string PersistenceId { get; }

    // Nothing is snapshotted: a VMI's whole journal is about ten events.
    public override Recovery Recovery { get; } = new(SnapshotSelectionCriteria.None);

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How long writes are held back so that a burst of news becomes one.</summary>
    public static readonly TimeSpan WriteDelay = TimeSpan.FromMilliseconds(40);

    /// <summary>The same for news that nobody waits for.</summary>
    public static readonly TimeSpan PatientWriteDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// And for what is known of a guest that is about to run, which is written with its running; and for how far a migration is that has not
    /// moved the guest, which its own object tells.
    /// </summary>
    public static readonly TimeSpan AwaitingWriteDelay = TimeSpan.FromSeconds(5);

    /// <summary>A feed that woke this actor has said by then what it knows.</summary>
    private static readonly TimeSpan FeedPatience = TimeSpan.FromMilliseconds(500);

    public static Props Props(string uid, VmiActorServices services) => Akka.Actor.Props.Create(() => new VmiActor(uid, services));

    protected override void PostStop()
    {
        _calls.Dispose();
        base.PostStop();
    }

    /// <summary>The actor ends with it. The feeds wake its successor, which goes on from what was journaled.</summary>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _services.Log.LogWarning("VMI {Uid}: {Event} could not be journaled: {Error}", _state.Uid, @event.GetType().Name, cause.Message);
        Context.System.Scheduler.ScheduleTellOnce(FeedPatience, _services.Feeds, new TellAgain(_state.Uid), ActorRefs.NoSender);
    }

    /// <summary>An agent's report or a command woke this actor, on a member that the feeds have told nothing.</summary>
    private void OnAskFeeds()
    {
        if (_state is { Vmi: null, Retired: false })
            _services.Feeds.Tell(new TellAgain(_state.Uid));
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
        var since = _services.Time.GetTimestamp();
        Persist(new DomainReleased(_services.Time.GetUtcNow()), e =>
        {
            Applied(e, since);
            Proceed();
        });
    }

    /// <summary>The agent tries again; the event counts how often.</summary>
    private void OnRefused(DomainRefused refusal)
    {
        if (_state.HoldsRight(refusal) && refusal is { Fatal: false, Revision: null })
            _services.Events.Record(About(), "Warning", "SyncFailed", refusal.Message);
        Observe(_state.Observe(refusal));
    }

    private void OnWish(MigrateVmi wish)
    {
        (_listener, _wish, _told) = (Sender, wish.MigrationId, null);
        Observe(_state.Observe(wish));
    }

    /// <summary>Whoever asked last for a migration hears how it goes.</summary>
    private void TellNews()
    {
        // The story goes along with the end of a migration; it is no news of its own.
        if (_listener is not { } listener || _wish is not { } id || MigrationPhases.News(_state, id) is not { } news || news with { Story = null } == _told)
            return;
        _told = news with { Story = null };
        listener.Tell(news);
    }

    private void Observe(VmiState next)
    {
        _state = next;
        UseSettings();
        Proceed();
    }

    /// <summary>The KubeVirt object may have been read, or changed, since the last news.</summary>
    private void UseSettings()
    {
        if (_services.PodOptions().Settings is var settings && settings != _state.Settings)
            _state = _state with { Settings = settings };
    }

    private void Proceed()
    {
        var decision = VmiLifecycle.Decide(_state, _services.Time.GetUtcNow(), PodSuffix());
        if (decision.Events.Count == 0)
        {
            Acknowledge();
            Perform(decision.Effects);
            ScheduleWrite();
            TellNews();
            return;
        }

        var (left, since) = (decision.Events.Count, _services.Time.GetTimestamp());
        PersistAll(decision.Events, e =>
        {
            Applied(e, since);
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

    /// <param name="since">When it was handed to the journal.</param>
    private void Applied(IVmiEvent e, long since)
    {
        _state = _state.Apply(e);
        if (e is IMigrationEvent step)
            _services.Log.LogInformation("VMI {Namespace}/{Name} {Uid}: {Step}, journaled in {Took:0.0} ms", _state.Vmi?.Metadata.Namespace, _state.Vmi?.Metadata.Name, _state.Uid, step, _services.Time.GetElapsedTime(since).TotalMilliseconds);
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
                    CreatePod(Call.CreatePod, create.Name, _state.Vmi!, StateVolume.Current(_state, _state.Vmi!), pod => pod);
                    break;
                case VmiEffect.CreateTargetPod create when _state is { Vmi: { } vmi, Moving.Ongoing: { } migration }:
                    CreatePod(Call.CreateTargetPod, create.Name, StorageMigration.AtTarget(_state, vmi, migration), migration.State?.Target, pod => TargetPod.Of(pod, vmi, migration, _state.Moving.Wish));
                    break;
                case VmiEffect.LeadAddresses lead:
                    LeadAddresses(lead);
                    break;
                case VmiEffect.DeletePod delete:
                    DeletePod(delete);
                    break;
                case VmiEffect.DeleteCompleted delete:
                    DeleteCompleted(delete);
                    break;
                case VmiEffect.MarkUnpaused mark:
                    MarkUnpaused(mark);
                    break;
                case VmiEffect.MarkEviction mark:
                    MarkEviction(mark);
                    break;
                case VmiEffect.TellDeschedulers tell:
                    PatchPod(Call.TellDeschedulers, tell.PodName, Descheduling.PodPatch(tell));
                    break;
                case VmiEffect.SetNetworks set:
                    SetNetworks(set);
                    break;
                case VmiEffect.TellNetworkInfo tell:
                    PatchPod(tell.PodName == _state.PodName ? Call.TellNetworkInfo : Call.TellTargetNetworkInfo, tell.PodName,
                        new JsonObject { ["metadata"] = new JsonObject { ["uid"] = tell.PodUid, ["annotations"] = new JsonObject { [NetworkInfo.Annotation] = tell.Annotation } } });
                    break;
                case VmiEffect.CreateAttachment attach:
                    CreateAttachment(attach);
                    break;
                case VmiEffect.DeleteAttachment detach:
                    DeleteAttachment(detach);
                    break;
                case VmiEffect.CreateStateClaim create:
                    CreateStateClaim(create);
                    break;
                case VmiEffect.SettleState settle:
                    SettleState(settle);
                    break;
                case VmiEffect.AskForContextId:
                    _services.Feeds.Tell(new ContextIdWanted(_state.Uid));
                    break;
                case VmiEffect.AskForTrouble ask:
                    AskForTrouble(ask);
                    break;
                case VmiEffect.LookAgain again:
                    Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, again.After);
                    break;
                case VmiEffect.Retire:
                    // The last event stays: whoever speaks of this VMI later finds that it is over.
                    DeleteMessages(LastSequenceNr - 1);
                    break;
            }
        }
    }

    private static void Passivate() => Context.Parent.Tell(new Akka.Cluster.Sharding.Passivate(PoisonPill.Instance));

    private void CreatePod(Call call, string name, VirtualMachineInstance vmi, string? stateClaim, Func<Pod, Pod> shape)
    {
        if (!_calls.Begin(call))
            return;
        var pod = shape(LauncherPodRenderer.Render(VmiDefaults.Apply(vmi), name, _services.PodOptions(), _state.Storage.BlockClaims, stateClaim));
        var asksForNetworks = _state.Settings.AsksForNetworkResources;
        Do(call, async ct =>
        {
            try
            {
                if (asksForNetworks)
                    pod = NetworkResources.With(pod, await NetworkResources.OfAsync(vmi, _services.Kubernetes.FindRawAsync, ct).ConfigureAwait(false));
                await _services.Kubernetes.CreateAsync(pod, ct).ConfigureAwait(false);
                // Of a migration's pods its own events and phases tell.
                if (call is Call.CreatePod)
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

    private void LeadAddresses(VmiEffect.LeadAddresses lead)
    {
        if (_state.Moving.Ongoing?.Id is not { } id || !_calls.Begin(Call.LeadAddresses))
            return;
        var (ns, patch, self) = (_state.Vmi!.Metadata.Namespace, TargetPod.Ready(lead.PodUid, lead.Kept, lead.Unpaused, _services.Time.GetUtcNow()), Self);
        Do(Call.LeadAddresses, async ct =>
        {
            // Without a pod there is nothing left to lead to.
            if (await PatchedAsync(ns, lead.PodName, PatchType.StrategicMerge, patch, "status", ct).ConfigureAwait(false) is { } seen)
                self.Tell(seen);
            return new AddressesLed(_state.Uid, id);
        });
    }

    private void DeletePod(VmiEffect.DeletePod delete)
    {
        // A creation on its way would survive a deletion that overtakes it.
        var isOwn = delete.Name == _state.PodName;
        var (create, call) = isOwn ? (Call.CreatePod, Call.DeletePod) : (Call.CreateTargetPod, Call.DeleteOtherPod);
        if (_deleted.Contains(delete.Uid ?? "") || (isOwn ? _state.Pod : _state.Moving.TargetPod)?.Deleting is true || _calls.IsRunning(create) || !_calls.Begin(call))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        _deleting[call] = delete.Uid;
        Do(call, async ct =>
        {
            try
            {
                await _services.Kubernetes.DeleteAsync<Pod>(ns, delete.Name, new DeleteQuery(delete.Uid), ct).ConfigureAwait(false);
                if (isOwn)
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

    private void DeleteCompleted(VmiEffect.DeleteCompleted delete)
    {
        if (!_calls.Begin(Call.DeleteCompleted))
            return;
        _clearing = delete.Known;
        var (ns, selection) = (_state.Vmi!.Metadata.Namespace!, CompletedPods.Selection(_state.Uid, delete.OwnPod));
        Do(Call.DeleteCompleted, ct => _services.Kubernetes.DeleteAllAsync<Pod>(ns, selection, ct));
    }

    private void MarkUnpaused(VmiEffect.MarkUnpaused mark)
    {
        var patch = UnpausedGate.Patch(mark.Unpaused, _services.Time.GetUtcNow());
        patch["metadata"] = new JsonObject { ["uid"] = mark.PodUid };
        PatchPod(Call.MarkUnpaused, mark.PodName, patch, PatchType.StrategicMerge, "status");
    }

    private void MarkEviction(VmiEffect.MarkEviction mark) => PatchPod(Call.MarkEviction, mark.PodName, EvictionMark.PodPatch(mark.PodUid, mark.InProgress));

    private void SetNetworks(VmiEffect.SetNetworks set) => PatchPod(Call.SetNetworks, set.PodName, new JsonObject
    {
        ["metadata"] = new JsonObject { ["uid"] = set.PodUid, ["annotations"] = new JsonObject { [LauncherNetworks.Multus] = set.Annotation } },
    });

    private void PatchPod(Call call, string name, JsonObject patch, PatchType type = PatchType.Merge, string? subresource = null)
    {
        if (!_calls.Begin(call))
            return;
        var ns = _state.Vmi!.Metadata.Namespace;
        Do(call, async Task<IVmiMessage?> (ct) => await PatchedAsync(ns, name, type, patch, subresource, ct).ConfigureAwait(false));
    }

    /// <summary>The answer is taken for the feed's, which would come later and meanwhile let the same patch be made again. Null without a pod: the feed will say so.</summary>
    private async Task<PodObserved?> PatchedAsync(string? ns, string name, PatchType type, JsonObject patch, string? subresource, CancellationToken ct)
    {
        try
        {
            return new PodObserved(_state.Uid, PodProjection.Of(await _services.Kubernetes.PatchAsync<Pod>(ns, name, type, patch, subresource, ct: ct).ConfigureAwait(false)));
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private void ScheduleWrite()
    {
        if (!_calls.IsFree(Call.Write) || (_isWriteDue && Timers.IsTimerActive(nameof(WriteStatus))) || ReferenceEquals(_state, _shown))
            return;
        var now = _services.Time.GetUtcNow();
        if (VmiProjection.Patch(_state, now) is null)
        {
            _shown = _state;
            return;
        }

        _isWriteDue = VmiProjection.IsUrgent(_state, now);
        // The pod is about to be seen, and with it the next phase.
        if (!_isWriteDue && _state.Phase is VmiPhases.Pending && (_calls.IsRunning(Call.CreatePod) || _state.PodMadeAt is not null))
            return;
        if (_isWriteDue || !Timers.IsTimerActive(nameof(WriteStatus)))
            Timers.StartSingleTimer(nameof(WriteStatus), WriteStatus.Instance, _isWriteDue ? WriteDelay : _state.Phase is VmiPhases.Scheduled || _state.Moving.Ongoing is { IsSettled: false } ? AwaitingWriteDelay : PatientWriteDelay);
    }

    private void Write()
    {
        var now = _services.Time.GetUtcNow();
        if (VmiProjection.Patch(_state, now) is null || !_calls.Begin(Call.Write))
            return;
        var state = _state;
        Do(Call.Write, async ct =>
        {
            try
            {
                return new VmiObserved(state.Uid, await _writer.UpdateAsync(state.Vmi!, vmi => VmiProjection.Wanted(vmi, state, now), ct: ct).ConfigureAwait(false));
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                return (IVmiMessage)new VmiGone(state.Uid);
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
                return new Called(call, await _services.Gate.PassAsync(work, ct).ConfigureAwait(false), null);
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
            if (called.Call is Call.CreateTargetPod && error is KubeException rejected && _state.Moving.TargetPodError != rejected.Message)
            {
                _services.Events.Record(About(), "Warning", "FailedCreate", $"Error creating pod: {rejected.Message}");
                Observe(_state with { Moving = _state.Moving with { TargetPodError = rejected.Message } });
            }

            if (called.Call is Call.StateClaim && _state.Moving is { Ongoing.Step: MigrationStep.Accepted } moving && error is KubeException no && moving.TargetPodError != no.Message)
                Observe(_state with { Moving = moving with { TargetPodError = no.Message } });
            if (called.Call is Call.CreatePod && error is KubeException refused && _state.CreateError != refused.Message)
            {
                _services.Events.Record(About(), "Warning", "FailedCreate", $"Error creating pod: {refused.Message}");
                Observe(_state with { CreateError = refused.Message });
            }

            return;
        }

        if (called.Call is Call.CreatePod)
            _state = _state with { PodMadeAt = _services.Time.GetUtcNow() };
        // The feed says so a moment later, and meanwhile they would be deleted again.
        if (called.Call is Call.DeleteCompleted)
            _state = _state with { Moving = _state.Moving with { Completed = _state.Moving.Completed.Except(_clearing) } };
        if (_deleting.Remove(called.Call, out var deleted) && deleted is not null)
            _deleted.Add(deleted);
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
        ApiVersion = "kubevirt.io/v1",
        Kind = "VirtualMachineInstance",
        Uid = _state.Uid,
        Name = _state.Vmi?.Metadata.Name,
        Namespace = _state.Vmi?.Metadata.Namespace,
        ResourceVersion = _state.Vmi?.Metadata.ResourceVersion,
    };

    /// <summary>Kubernetes' alphabet for generated names: no vowels and nothing that looks like another character.</summary>
    private static string PodSuffix() => string.Create(5, 0, (span, _) => Random.Shared.GetItems("bcdfghjklmnpqrstvwxz2456789", span));

    private sealed record Called(Call Call, IVmiMessage? Result, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record TryAgain(Call Call);

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class AskFeeds
    {
        public static readonly AskFeeds Instance = new();
    }

    private sealed class WriteStatus
    {
        public static readonly WriteStatus Instance = new();
    }
}
