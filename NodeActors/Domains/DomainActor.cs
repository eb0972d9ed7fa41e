using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Networking;

namespace Troupe.NodeActors.Domains;

/// <param name="ControlPlane">Takes reports and passes them on to the VMI's actor.</param>
/// <param name="AgentId">Names this agent process in reports.</param>
public sealed record DomainActorServices(
    string Node, string AgentId, ILauncherConnector Launchers, IPodNetworking Networking, IActorRef ControlPlane, TimeProvider Time, ILogger Log);

/// <summary>Owns the launcher connection of one VMI on this node. A shell around <see cref="DomainSteps"/>.</summary>
public sealed class DomainActor : ReceiveActor, IWithTimers
{
    /// <summary>KubeVirt presses the power button at most this often.</summary>
    private static readonly TimeSpan ShutdownInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FailureRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(60);

    private readonly DomainActorServices _services;
    private readonly CancellationTokenSource _stop = new();
    private DomainKnowledge _state;
    private ILauncher? _launcher;
    private bool _busy;
    private int _connection;
    private long _sequence;
    private DomainReported? _unacknowledged;
    private DomainRefused? _refusal;
    private DateTimeOffset _shutdownAt = DateTimeOffset.MinValue;

    public DomainActor(string vmiUid, string? podUid, DomainActorServices services)
    {
        _services = services;
        _state = new DomainKnowledge(vmiUid) { PodUid = podUid };
        Receive<ReportAcknowledged>(OnAcknowledged);
        Receive<QueryDomain>(OnQuery);
        Receive<IDomainCommand>(OnCommand);
        Receive<Connected>(OnConnected);
        Receive<Changed>(OnChanged);
        Receive<Closed>(OnClosed);
        Receive<Prepared>(p => Done(_state with { Context = p.Context }));
        Receive<Answered>(OnAnswered);
        Receive<Failed>(OnFailed);
        Receive<LookAgain>(_ => Proceed());
        Receive<RepeatReport>(_ => Repeat());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string vmiUid, string? podUid, DomainActorServices services) =>
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
        _ = _launcher?.DisposeAsync().AsTask();
    }

    private void OnCommand(IDomainCommand command)
    {
        if (DomainSteps.Command(_state, command) is not { } next)
        {
            _services.Log.LogWarning("VMI {Uid}: {Command} of epoch {Epoch} refused, epoch is {Current}", _state.VmiUid, command.GetType().Name, command.Epoch, _state.Epoch);
            _services.ControlPlane.Tell(new DomainRefused(_state.VmiUid, _services.Node, command.Epoch, "StaleEpoch", $"epoch {command.Epoch} is over; it is {_state.Epoch} now", Fatal: false));
            return;
        }

        var isNew = next != _state;
        _state = next;
        if (isNew)
            Proceed();
        else
            Repeat();
    }

    private void OnQuery(QueryDomain query)
    {
        if (query.Epoch > _state.Epoch)
            _state = _state with { Epoch = query.Epoch };
        Report();
    }

    private void OnAcknowledged(ReportAcknowledged ack)
    {
        if (_unacknowledged is { } report && ack.Sequence >= report.Sequence)
            _unacknowledged = null;
        if (_refusal is not null && _state.Release)
            _refusal = null;
    }

    private void Proceed()
    {
        if (_busy)
            return;
        switch (DomainSteps.Next(_state, _services.Time.GetUtcNow()))
        {
            case DomainStep.Connect connect:
                Connect(connect.PodUid);
                break;
            case DomainStep.PrepareNetwork:
                Prepare();
                break;
            case DomainStep.Ask ask:
                Ask(ask.Request);
                break;
            case DomainStep.Shutdown shutdown:
                Shutdown(shutdown.Deadline);
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
            error => new Failed(error, WhileConnecting: true));
    }

    private void OnConnected(Connected connected)
    {
        _launcher = connected.Launcher;
        _state = _state with { Connected = true, WasConnected = true, FailedReconnects = 0, Presence = LauncherPresence.Connected };
        _busy = false;
        Ask(new LauncherHello(_services.AgentId, LauncherProtocol.Version));
    }

    private void Prepare()
    {
        var (launcher, run) = (_launcher!, _state.Run!);
        Run(async ct => new Prepared(new LaunchContext(
                !File.Exists("/dev/kvm"), await _services.Networking.PrepareAsync(launcher.ProcessId, run.Vmi, run.PodAddresses, ct).ConfigureAwait(false))),
            error => new Failed(error));
    }

    private void Ask(ILauncherRequest request)
    {
        var launcher = _launcher!;
        Run(async ct => new Answered(request, await launcher.AskAsync(request, ct).ConfigureAwait(false)), error => new Failed(error));
    }

    private void Shutdown(DateTimeOffset deadline)
    {
        var now = _services.Time.GetUtcNow();
        var next = _shutdownAt + ShutdownInterval;
        if (now >= next)
        {
            _shutdownAt = now;
            next = now + ShutdownInterval;
            Ask(new ShutdownDomain(_state.Epoch));
        }

        LookAgainIn((deadline < next ? deadline : next) - now);
    }

    private void OnAnswered(Answered answered)
    {
        var reply = answered.Reply;
        var state = _state with { Observation = Newer(reply.Domain), Epoch = Math.Max(_state.Epoch, reply.Domain.Epoch) };
        switch (answered.Request)
        {
            case QuitLauncher when reply.Error is LauncherError.None:
                // The launcher ends now; that its connection closes is no loss.
                state = state with { Connected = false, Presence = LauncherPresence.Lost };
                break;
            case LaunchDomain when reply.Error is LauncherError.None:
                state = state with { Launched = true };
                break;
            case LaunchDomain:
                Refuse(reply.Error.ToString(), reply.Message ?? "the launcher gave no reason", reply.Error is LauncherError.InvalidSpec or LauncherError.Unsupported);
                break;
            case DestroyDomain when reply.Error is LauncherError.NoDomain:
                // Told to stop before it ever ran: for the control plane that is a guest that has ended.
                state = state with { Observation = reply.Domain with { State = DomainState.Shutoff, Reason = DomainReason.Shutdown } };
                break;
        }

        if (reply.Error is not LauncherError.None && answered.Request is not LaunchDomain)
            _services.Log.LogWarning("VMI {Uid}: {Request}: {Error} {Message}", _state.VmiUid, answered.Request.GetType().Name, reply.Error, reply.Message);
        if (reply.Error is LauncherError.LibvirtFailed)
        {
            _busy = false;
            _state = state;
            LookAgainIn(FailureRetry);
            return;
        }

        Done(state);
        Report();
    }

    private void OnChanged(Changed changed)
    {
        if (changed.Connection != _connection)
            return;
        _state = _state with { Observation = Newer(changed.Observation) };
        Report();
        Proceed();
    }

    private void OnClosed(Closed closed)
    {
        if (closed.Connection != _connection || _state.Presence is LauncherPresence.Lost)
            return;
        _ = _launcher?.DisposeAsync().AsTask();
        _launcher = null;
        _state = _state with { Connected = false };
        Proceed();
    }

    private void OnFailed(Failed failed)
    {
        _busy = false;
        if (failed.Error is OperationCanceledException && _stop.IsCancellationRequested)
            return;
        if (failed.WhileConnecting)
        {
            if (_state.WasConnected && _state.FailedReconnects + 1 >= DomainSteps.MaxReconnects)
            {
                _services.Log.LogWarning("VMI {Uid}: the launcher is gone: {Error}", _state.VmiUid, failed.Error.Message);
                Done(_state with { Presence = LauncherPresence.Lost });
                Report();
                return;
            }

            _state = _state with { FailedReconnects = _state.FailedReconnects + (_state.WasConnected ? 1 : 0) };
            LookAgainIn(RetryInterval);
            return;
        }

        if (failed.Error is UnsupportedNetworkException unsupported)
        {
            Refuse("Unsupported", unsupported.Message, fatal: true);
            return;
        }

        _services.Log.LogWarning("VMI {Uid}: {Error}", _state.VmiUid, failed.Error.Message);
        LookAgainIn(FailureRetry);
    }

    private void Refuse(string reason, string message, bool fatal)
    {
        _services.Log.LogWarning("VMI {Uid}: {Reason}: {Message}", _state.VmiUid, reason, message);
        _refusal = new DomainRefused(_state.VmiUid, _services.Node, _state.Epoch, reason, message, fatal);
        _services.ControlPlane.Tell(_refusal);
    }

    /// <summary>An observation that was overtaken on its way changes nothing.</summary>
    private DomainObservation Newer(DomainObservation observation) =>
        _state.Observation is { } known && known.Sequence > observation.Sequence ? known : observation;

    private void Report()
    {
        if (_state.Epoch == 0 || (_state.Observation is null && _state.Presence is not LauncherPresence.Lost))
            return;
        _unacknowledged = new DomainReported(_state.VmiUid, _services.Node, _state.Epoch, _services.AgentId, ++_sequence, _state.Presence, _state.Observation ?? new DomainObservation());
        _services.ControlPlane.Tell(_unacknowledged);
    }

    private void Repeat()
    {
        if (_unacknowledged is { } report)
            _services.ControlPlane.Tell(report);
        if (_refusal is { } refusal)
            _services.ControlPlane.Tell(refusal);
    }

    private void Done(DomainKnowledge state)
    {
        _busy = false;
        _state = state;
        Proceed();
    }

    private void LookAgainIn(TimeSpan after) =>
        Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, after > TimeSpan.Zero ? after : TimeSpan.FromMilliseconds(1));

    private void Run<T>(Func<CancellationToken, Task<T>> work, Func<Exception, Failed> failed) where T : class
    {
        _busy = true;
        var ct = _stop.Token;
        Attempt().PipeTo(Self);

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

    private sealed record Connected(int Connection, ILauncher Launcher);

    private sealed record Changed(int Connection, DomainObservation Observation);

    private sealed record Closed(int Connection);

    private sealed record Prepared(LaunchContext Context);

    private sealed record Answered(ILauncherRequest Request, LauncherReply Reply);

    private sealed record Failed(Exception Error, bool WhileConnecting = false);

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class RepeatReport
    {
        public static readonly RepeatReport Instance = new();
    }
}
