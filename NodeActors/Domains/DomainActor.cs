using Akka.Actor;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Migration;
using Troupe.NodeActors.Networking;
using Troupe.NodeActors.Volumes;

namespace Troupe.NodeActors.Domains;

/// <summary>
/// Owns the launcher connection of one VMI on this node. A shell around <see cref="DomainSteps"/>: one step at a time, each started from
/// what is known then, so that it does not matter after which step something broke.
/// </summary>
public sealed partial class DomainActor : ReceiveActor, IWithTimers
{
    /// <summary>KubeVirt presses the power button at most this often.</summary>
    public static readonly TimeSpan ShutdownInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(60);

    // A launcher listens some hundredths of a second after its pod is ready.
    private static readonly (TimeSpan Min, TimeSpan Max) ConnectRetry = (TimeSpan.FromMilliseconds(25), TimeSpan.FromMilliseconds(500));

    private readonly DomainActorServices _services;
    private readonly CancellationTokenSource _stop = new();
    private readonly ReportQueue _reports;
    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private DomainKnowledge _state;
    private ILauncher? _launcher;
    private LauncherProcess? _process;
    private bool _busy;
    private int _connection;
    private DateTimeOffset _shutdownAt = DateTimeOffset.MinValue;

    /// <summary>A start that failed is left alone until then.</summary>
    private DateTimeOffset _startAgainAt = DateTimeOffset.MinValue;

    public DomainActor(string vmiUid, string podUid, DomainActorServices services)
    {
        _services = services;
        _state = new DomainKnowledge(vmiUid) { PodUid = podUid };
        _reports = new ReportQueue(services.Node, services.AgentId, services.Time.GetUtcNow());
        Receive<ReportAcknowledged>(OnAcknowledged);
        Receive<QueryDomain>(OnQuery);
        Receive<OperateGuest>(OnOperate);
        Receive<IDomainCommand>(OnCommand);
        Receive<Connected>(OnConnected);
        Receive<Changed>(OnChanged);
        Receive<Closed>(OnClosed);
        Receive<ConnectFailed>(OnConnectFailed);
        Receive<Prepared>(OnPrepared);
        Receive<PrepareFailed>(OnPrepareFailed);
        Receive<Unmounted>(OnUnmounted);
        Receive<Answered>(OnAnswered);
        Receive<AskFailed>(OnAskFailed);
        Receive<LookAgain>(_ => Proceed());
        Receive<RepeatReport>(_ => Repeat());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="podUid">The launcher's pod, so that the actor finds its way back by itself after a crash of its own.</param>
    public static Props Props(string vmiUid, string podUid, DomainActorServices services) =>
        Akka.Actor.Props.Create(() => new DomainActor(vmiUid, podUid, services));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(RepeatReport), RepeatReport.Instance, ReportInterval);
        Proceed();
    }

    protected override void PostStop()
    {
        _stop.Cancel();
        // The guest runs on without us; only the connection ends.
        Drop();
    }

    private void OnCommand(IDomainCommand command)
    {
        if (DomainSteps.Command(_state, command) is not { } next)
        {
            _services.Log.LogWarning("VMI {Uid}: {Command} of epoch {Epoch} refused, the epoch is {Current}", _state.VmiUid, command.GetType().Name, command.Epoch, _state.Epoch);
            _services.ControlPlane.Tell(new DomainRefused(_state.VmiUid, _services.Node, command.Epoch, "StaleEpoch", $"epoch {command.Epoch} is over; it is {_state.Epoch} now", Fatal: false));
            return;
        }

        if (next == _state)
        {
            Repeat();
            return;
        }

        if (next.PodUid != _state.PodUid)
        {
            Drop();
            _process = null;
        }

        _startAgainAt = DateTimeOffset.MinValue;
        _state = next;
        Report();
        Proceed();
    }

    private void RefuseChange(string reason, string message) =>
        _services.ControlPlane.Tell(new DomainRefused(_state.VmiUid, _services.Node, _state.Epoch, reason, message, Fatal: false) { Revision = _state.Update?.Revision });

    private void OnQuery(QueryDomain query)
    {
        if (DomainSteps.Command(_state, query) is { } next)
            _state = next;
        Report(again: true);
    }

    private void OnAcknowledged(ReportAcknowledged ack)
    {
        // Nothing is left to be done for a launcher that is gone once this is known.
        if (_reports.Acknowledge(ack.Sequence) && _state.Presence is LauncherPresence.Lost)
            Context.Stop(Self);
    }

    private void Proceed()
    {
        if (_busy)
            return;
        var now = _services.Time.GetUtcNow();
        switch (DomainSteps.Next(_state, now))
        {
            case DomainStep.PrepareNetwork or DomainStep.PrepareUpdate or DomainStep.Unmount or DomainStep.Ask { Request: LaunchDomain or SyncDomain } when now < _startAgainAt:
                LookAgainIn(_startAgainAt - now);
                break;
            case DomainStep.Connect connect:
                Connect(connect.PodUid);
                break;
            case DomainStep.PrepareNetwork:
                var order = MigrationSteps.NetworkOrder(_state)!.Value;
                Prepare(order.Vmi, order.Pod, _state.Run?.Revision, order.Volumes, isChange: false);
                break;
            case DomainStep.PrepareUpdate prepare:
                Prepare(prepare.Update.Vmi, new PodFacts(prepare.Update.PodAddresses, prepare.Update.KeptAddresses, prepare.Update.Bindings), prepare.Update.Revision, prepare.Update.Volumes, isChange: true);
                break;
            case DomainStep.Unmount unmount:
                Unmount(unmount.Volumes);
                break;
            case DomainStep.Ask ask:
                Ask(ask.Request);
                break;
            case DomainStep.Shutdown shutdown:
                Shutdown(shutdown.Deadline, now);
                break;
            case DomainStep.Forget:
                _services.ControlPlane.Tell(new DomainNotHere(_state.VmiUid, _services.Node, _state.Epoch));
                Context.Stop(Self);
                break;
        }
    }

    private void Connect(string podUid)
    {
        var (self, number) = (Self, ++_connection);
        Run(async ct => new Connected(number, await _services.Launchers.ConnectAsync(podUid, o => self.Tell(new Changed(number, o)), () => self.Tell(new Closed(number)), ct).ConfigureAwait(false)),
            error => new ConnectFailed(error));
    }

    private void OnConnected(Connected connected)
    {
        _busy = false;
        if (connected.Connection != _connection)
        {
            // Meanwhile the guest was ordered into another pod.
            _ = connected.Launcher.DisposeAsync().AsTask();
            Proceed();
            return;
        }

        (_launcher, _process) = (connected.Launcher, connected.Launcher.Process);
        _state = DomainSteps.Connected(_state) with { Mounted = _services.Volumes.Mounted(connected.Launcher.Process.Id) };
        Ask(new LauncherHello(_services.AgentId, LauncherProtocol.Version) { Probes = _services.Probes.Known });
    }

    private void OnConnectFailed(ConnectFailed failed)
    {
        _busy = false;
        // First whether it has ended: a word is its last one only then. Who has left one has ended in any case.
        var hasEnded = _process is { HasEnded: true };
        var word = _services.Launchers.LastWord(_state.PodUid!);
        var isGone = hasEnded || word is not null || !_services.Launchers.HasPod(_state.PodUid!);
        _state = DomainSteps.ConnectFailed(_state, isGone, _services.Time.GetUtcNow(), word);
        if (_state.Presence is LauncherPresence.Lost)
        {
            _services.Log.LogWarning("VMI {Uid}: the launcher is gone: {Error}", _state.VmiUid, failed.Error.Message);
            Report();
            Proceed();
            return;
        }

        LookAgainIn(TimeSpan.FromTicks(Math.Min(ConnectRetry.Max.Ticks, ConnectRetry.Min.Ticks << Math.Min(_state.FailedConnects - 1, 10))));
    }

    private void Prepare(VirtualMachineInstance vmi, PodFacts pod, string? revision, IReadOnlyList<PluggedVolume> volumes, bool isChange)
    {
        var (pid, number) = (_launcher!.Process.Id, _connection);
        Run(async ct =>
        {
            if (isChange)
                await _services.Networking.TidyAsync(pid, vmi, ct).ConfigureAwait(false);
            var interfaces = await _services.Networking.PrepareAsync(pid, vmi, pod, ct).ConfigureAwait(false);
            await _services.Volumes.MountAsync(pid, volumes, ct).ConfigureAwait(false);
            return new Prepared(number, vmi, new LaunchContext(_services.UseEmulation, interfaces) { Node = _services.Node, Revision = revision }, _services.Volumes.Mounted(pid));
        }, error => new PrepareFailed(error));
    }

    private void Unmount(IReadOnlyList<string> volumes)
    {
        var (pid, number) = (_launcher!.Process.Id, _connection);
        Run(_ =>
        {
            _services.Volumes.Unmount(pid, volumes);
            return Task.FromResult<object>(new Unmounted(number, _services.Volumes.Mounted(pid)));
        }, error => new PrepareFailed(error));
    }

    private void OnUnmounted(Unmounted unmounted)
    {
        _busy = false;
        if (unmounted.Connection == _connection)
        {
            _state = _state with { Mounted = unmounted.Mounted };
            Report();
        }

        Proceed();
    }

    private void OnPrepared(Prepared prepared)
    {
        _busy = false;
        // The network was made in the pod that this connection leads to.
        if (prepared.Connection == _connection)
            _state = (ReferenceEquals(prepared.Vmi, _state.Update?.Vmi) ? _state with { UpdateContext = prepared.Context } : _state with { Context = prepared.Context }) with { Mounted = prepared.Mounted };
        Proceed();
    }

    private void OnPrepareFailed(PrepareFailed failed)
    {
        _busy = false;
        _services.Log.LogWarning("VMI {Uid}: {Error}", _state.VmiUid, failed.Error.Message);
        if (failed.Error is UnsupportedNetworkException or UnsupportedVolumeException && _state.MigrationOrders.Any(o => o is PrepareTarget))
        {
            _state = MigrationSteps.Refused(_state, failed.Error.Message);
            Report(again: true);
            Proceed();
            return;
        }

        if (failed.Error is UnsupportedNetworkException or UnsupportedVolumeException && _state.HasDomain)
        {
            // The guest runs; only the change cannot be made.
            _state = _state with { Updated = true };
            RefuseChange("Unsupported", failed.Error.Message);
            Proceed();
            return;
        }

        if (failed.Error is UnsupportedNetworkException)
        {
            _state = DomainSteps.Refused(_state, _services.Node, "Unsupported", failed.Error.Message);
            _services.ControlPlane.Tell(_state.Refusal!);
            Proceed();
            return;
        }

        if (_state.HasDomain)
            RefuseChange("HotplugFailed", failed.Error.Message);
        RetryLater();
    }

    private void Ask(ILauncherRequest request)
    {
        var (launcher, number) = (_launcher!, _connection);
        Run(async ct => new Answered(number, request, await launcher.AskAsync(request, ct).ConfigureAwait(false)), error => new AskFailed(number, error));
    }

    private void Shutdown(DateTimeOffset deadline, DateTimeOffset now)
    {
        if (now >= _shutdownAt + ShutdownInterval)
        {
            _shutdownAt = now;
            Ask(new ShutdownDomain(_state.Epoch));
        }

        var next = _shutdownAt + ShutdownInterval;
        LookAgainIn((deadline < next ? deadline : next) - now);
    }

    private void OnAnswered(Answered answered)
    {
        _busy = false;
        if (answered.Connection != _connection)
        {
            Proceed();
            return;
        }

        var (request, reply) = (answered.Request, answered.Reply);
        var before = _state;
        _state = DomainSteps.Answered(_state, request, reply, _services.Node);
        if (reply.Probes is { } probes)
            _services.Probes.Learn(probes);
        if (reply.Error is not LauncherError.None)
            _services.Log.LogWarning("VMI {Uid}: {Request}: {Error} {Message}", _state.VmiUid, request.GetType().Name, reply.Error, reply.Message);
        if (!_state.Connected)
            Drop();
        if (_state.Refusal is not null && before.Refusal is null)
            _services.ControlPlane.Tell(_state.Refusal);
        if (_state.Release && _state.Presence is LauncherPresence.Lost)
        {
            Proceed();
            return;
        }

        Report();
        if (_state.HasDomain && request is not SyncDomain)
            _backoff.Reset();
        if (request is SyncDomain && reply.Error is not LauncherError.None)
            RefuseChange(reply.Error.ToString(), reply.Message ?? "the launcher gave no reason");
        if (reply.Error is LauncherError.LibvirtFailed or LauncherError.StaleEpoch || (request is LaunchDomain && _state is { Launched: false, Refusal: null }))
        {
            if (request is LaunchDomain && reply.Error is not LauncherError.None)
                _services.ControlPlane.Tell(new DomainRefused(_state.VmiUid, _services.Node, _state.Epoch, reply.Error.ToString(), reply.Message ?? "the launcher gave no reason", Fatal: false));
            RetryLater();
            return;
        }

        Proceed();
    }

    private void OnChanged(Changed changed)
    {
        if (changed.Connection != _connection)
            return;
        _state = DomainSteps.Observed(_state, changed.Observation);
        Report();
        Proceed();
    }

    private void OnClosed(Closed closed)
    {
        if (closed.Connection != _connection || !_state.Connected)
            return;
        Drop();
        _state = DomainSteps.Disconnected(_state);
        // Not at once: two agents on one node, each cutting the other off, would spin.
        LookAgainIn(ConnectRetry.Min);
    }

    private void OnAskFailed(AskFailed failed)
    {
        _busy = false;
        if (failed.Connection != _connection)
        {
            Proceed();
            return;
        }

        _services.Log.LogWarning("VMI {Uid}: {Error}", _state.VmiUid, failed.Error.Message);
        // What became of the request is found out by asking again, over a new connection.
        Drop();
        _state = DomainSteps.Disconnected(_state);
        LookAgainIn(_backoff.Next());
    }

    private void RetryLater()
    {
        var delay = _backoff.Next();
        var now = _services.Time.GetUtcNow();
        _startAgainAt = now + delay;
        // A guest that is to stop is never left beyond its deadline.
        LookAgainIn(_state.Stop is { } stop && stop.Deadline - now is { Ticks: > 0 } left && left < delay ? left : delay);
    }

    private void Report(bool again = false)
    {
        if (_reports.Next(_state, again) is { } report)
            _services.ControlPlane.Tell(report);
    }

    private void Repeat()
    {
        if (_reports.Unacknowledged is { } report)
            _services.ControlPlane.Tell(report);
        if (_state is { Refusal: { } refusal, Release: false })
            _services.ControlPlane.Tell(refusal);
    }

    /// <summary>Ends the connection; what still comes from it is of no interest.</summary>
    private void Drop()
    {
        _connection++;
        _ = _launcher?.DisposeAsync().AsTask();
        _launcher = null;
    }

    private void LookAgainIn(TimeSpan after) =>
        Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, after > TimeSpan.Zero ? after : TimeSpan.FromMilliseconds(1));

    private void Run(Func<CancellationToken, Task<object>> work, Func<Exception, object> failed)
    {
        _busy = true;
        var (self, ct) = (Self, _stop.Token);
        Attempt().PipeTo(self);

        async Task<object> Attempt()
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
            deadline.CancelAfter(AskTimeout);
            try
            {
                return await work(deadline.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                return failed(e);
            }
        }
    }

    private sealed record Connected(int Connection, ILauncher Launcher) : INoSerializationVerificationNeeded;

    private sealed record ConnectFailed(Exception Error) : INoSerializationVerificationNeeded;

    private sealed record Changed(int Connection, DomainObservation Observation) : INoSerializationVerificationNeeded;

    private sealed record Closed(int Connection) : INoSerializationVerificationNeeded;

    private sealed record Prepared(int Connection, VirtualMachineInstance Vmi, LaunchContext Context, IReadOnlyList<string> Mounted) : INoSerializationVerificationNeeded;

    private sealed record Unmounted(int Connection, IReadOnlyList<string> Mounted) : INoSerializationVerificationNeeded;

    private sealed record PrepareFailed(Exception Error) : INoSerializationVerificationNeeded;

    private sealed record Answered(int Connection, ILauncherRequest Request, LauncherReply Reply) : INoSerializationVerificationNeeded;

    private sealed record AskFailed(int Connection, Exception Error) : INoSerializationVerificationNeeded;

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class RepeatReport
    {
        public static readonly RepeatReport Instance = new();
    }
}
