using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Stress.Simulation;

/// <summary>
/// A launcher without libvirt and QEMU: the launcher protocol, decided by the real launcher's own pure functions, over a modelled guest.
/// All of it happens in one queue.
/// </summary>
public sealed partial class SimulatedLauncher
{
    private readonly SimulatedHosts _hosts;
    private readonly string _vmiUid;
    private readonly TimeSpan _grace;
    private readonly SerialQueue _queue;
    private LauncherState _state = new();
    private DomainObservation _observation;
    private SimulatedQemu? _qemu;
    private SimulatedConnection? _agent;
    private GuestModel? _guest;

    internal SimulatedLauncher(SimulatedHosts hosts, string node, string podUid, string vmiUid, string address, TimeSpan grace)
    {
        (_hosts, Node, PodUid, _vmiUid, Address, _grace) = (hosts, node, podUid, vmiUid, address, grace);
        Certificate = Convert.ToBase64String(Guid.NewGuid().ToByteArray());
        _observation = new DomainObservation { At = Now, Certificate = Certificate };
        _queue = new SerialQueue(e => hosts.Ledger.Report("the simulation itself does not fail", vmiUid, e.ToString()));
    }

    public string Node { get; }

    public string PodUid { get; }

    public string VmiUid => _vmiUid;

    /// <summary>The pod's.</summary>
    public string Address { get; }

    internal string Certificate { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>The virtual CPUs run.</summary>
    public bool RunsGuest => _qemu is { Runs: true };

    /// <summary>A QEMU process is there.</summary>
    public bool HasGuest => _qemu is { IsAlive: true };

    /// <summary>Takes part in a migration that is not over for it.</summary>
    public bool IsMigrating => _observation.Migration is { } m && (m.Source is SourceStage.Migrating or SourceStage.Switching or SourceStage.Aborting or SourceStage.Switched || m.Target is TargetStage.Preparing or TargetStage.Ready or TargetStage.Loaded or TargetStage.Arriving);

    /// <summary>Addresses that lead to this pod once the guest runs here.</summary>
    public IReadOnlyList<string> LedAddresses { get; private set; } = [];

    private DateTimeOffset Now => _hosts.Time.GetUtcNow();

    /// <summary>kill -9 of QEMU.</summary>
    public void KillGuest() => Post(() =>
    {
        if (_qemu is not { IsAlive: true } qemu)
            return;
        _hosts.Ledger.Kills(_vmiUid, PodUid, "QEMU was killed");
        qemu.End("killed");
        OnGuestEnded(DomainState.Shutoff, DomainReason.Crashed, "QEMU ended unexpectedly: terminating on signal 9");
    });

    /// <summary>kill -9 of the launcher, which takes everything in the pod with it.</summary>
    public void Kill() => Post(() =>
    {
        if (!IsAlive)
            return;
        _hosts.Ledger.Kills(_vmiUid, PodUid, "the launcher was killed");
        Exit(137, "killed");
    });

    /// <summary>kill -9 of libvirt; the launcher starts it again, and the guest runs on.</summary>
    public void KillDaemon() => Post(OnDaemonLost);

    /// <summary>SIGTERM: the guest gets the pod's grace period.</summary>
    public void Terminate() => Post(() =>
    {
        if (!HasDomain)
        {
            Exit(0, "told to end");
            return;
        }

        _ending = true;
        PressButton();
        After(_grace, () =>
        {
            EndDomain(DomainState.Shutoff, DomainReason.Destroyed, null);
            Exit(0, "told to end");
        });
    });

    internal void Post(Action work) => _queue.Post(() =>
    {
        // What was under way when the process ended is not done.
        if (IsAlive)
            work();
    });

    internal void Lead(IReadOnlyList<string> addresses) => Post(() => LedAddresses = addresses);

    /// <summary>The newest agent wins.</summary>
    /// <exception cref="IOException">The launcher is no more.</exception>
    internal SimulatedConnection Connect(Action<DomainObservation> changed, Action closed)
    {
        if (!IsAlive)
            throw new IOException("no launcher answers");
        var connection = new SimulatedConnection(this, changed, closed);
        Post(() =>
        {
            _agent?.Close();
            _agent = connection;
        });
        return connection;
    }

    internal void Ask(ILauncherRequest request, SimulatedConnection from, Action<LauncherReply> answer) => Post(() =>
    {
        if (request is LauncherHello)
            from.IsGreeted = true;
        (_state, var verdict) = _state.Decide(request, _observation.State);
        switch (verdict)
        {
            case Verdict.Stale:
                Answer(LauncherError.StaleEpoch, $"the epoch is {_state.Epoch}");
                break;
            case Verdict.NoDomain:
                Answer(LauncherError.NoDomain, "there is no running domain");
                break;
            case Verdict.Act:
                Act(request, Answer);
                break;
            default:
                Answer(LauncherError.None, null);
                break;
        }

        void Answer(LauncherError error, string? message, OperationResult? result = null) =>
            answer(new LauncherReply(error, message, new LauncherInfo(_vmiUid, LauncherProtocol.Version, "9.0.0", "7.2.0"), _observation, result));
    });

    private delegate void Answering(LauncherError error, string? message, OperationResult? result = null);

    private void Act(ILauncherRequest request, Answering answer)
    {
        switch (request)
        {
            case LaunchDomain launch:
                Launch(launch, answer);
                return;
            case ShutdownDomain:
                PressButton();
                break;
            case DestroyDomain:
                EndDomain(DomainState.Shutoff, DomainReason.Destroyed, null);
                break;
            case SyncDomain sync:
                Update(o => o with { Revision = sync.Context.Revision });
                break;
            case OperateDomain operate:
                Operate(operate.Operation, answer);
                return;
            case QuitLauncher:
                answer(LauncherError.None, null);
                EndDomain(DomainState.Shutoff, DomainReason.Destroyed, null);
                Exit(0, "told to quit");
                return;
            case PrepareIncoming prepare:
                Prepare(prepare);
                break;
            case AdoptIncoming adopt:
                Decide(new Launcher.Migration.TargetInput.Adopt(adopt.Epoch));
                break;
            case RefuseIncoming refuse:
                Decide(new Launcher.Migration.TargetInput.Refuse(refuse.Epoch));
                break;
            case MigrateDomain migrate:
                StartMigration(migrate);
                break;
            case AbortMigrate abort:
                AbortMigration(abort);
                break;
        }

        answer(LauncherError.None, null);
    }

    private void Launch(LaunchDomain launch, Answering answer)
    {
        if (_hosts.HasFullDisk(Node))
        {
            _state = _state.NotStarted();
            answer(LauncherError.LibvirtFailed, SimulatedHosts.NoSpace);
            return;
        }

        Describe(launch.Epoch, launch.Vmi, launch.Context);
        After(_hosts.Timing.Launch, () =>
        {
            _qemu = new SimulatedQemu(_hosts.Ledger, _vmiUid, PodUid, _guest!);
            var paused = launch.Vmi.Spec!.StartStrategy is "Paused";
            if (paused)
                _qemu.BootPaused();
            else
                _qemu.Boot();
            _hosts.OpenSession(_vmiUid, Address);
            Update(o => o with { State = paused ? DomainState.Paused : DomainState.Running, Reason = paused ? DomainReason.User : DomainReason.Booted, Machine = "pc-q35-7.2" });
            StartAgent();
            answer(LauncherError.None, null);
        });
    }

    private void Operate(DomainOperation operation, Answering answer)
    {
        var paused = _observation.State is DomainState.Paused;
        switch (operation)
        {
            case PauseDomain when paused:
                answer(LauncherError.WrongState, "VMI is already paused");
                return;
            case PauseDomain:
                _qemu!.Stand();
                _qemu.IsPausedByUser = true;
                Update(o => o with { State = DomainState.Paused, Reason = DomainReason.User });
                break;
            case UnpauseDomain when !paused:
                answer(LauncherError.WrongState, "VMI is not paused");
                return;
            case UnpauseDomain:
                _qemu!.IsPausedByUser = false;
                _qemu.Run();
                Update(o => o with { State = DomainState.Running, Reason = DomainReason.Unpaused });
                StartAgent();
                break;
            case PingGuestAgent or AskGuestAgent or FreezeGuest or UnfreezeGuest or ExecInGuest when _observation.GuestAgent is not { Connected: true }:
                answer(LauncherError.NoGuestAgent, "VMI does not have guest agent connected");
                return;
            case PingGuestAgent or ResetDomain or SoftRebootGuest:
                break;
            case AskGuestAgent:
                answer(LauncherError.None, null, new OperationResult(GuestAgent: _observation.GuestAgent));
                return;
            default:
                answer(LauncherError.Unsupported, $"a simulated launcher knows no operation {operation.GetType().Name}");
                return;
        }

        answer(LauncherError.None, null);
    }

    private void Describe(long epoch, VirtualMachineInstance vmi, LaunchContext context)
    {
        _guest = GuestModel.Of(vmi);
        Update(o => o with
        {
            Epoch = epoch,
            Revision = context.Revision,
            Memory = new MemoryObservation(_guest.MemoryBytes, _guest.MemoryBytes, _guest.MemoryBytes),
            Cpus = new CpuObservation(1, 1, 1),
            Interfaces = [.. context.Interfaces.Select(i => new InterfaceObservation(i.Name, i.Mac, null, i.PodAddresses, "domain"))],
        }, silently: true);
    }

    private void StartAgent() => After(_hosts.Timing.AgentStart, () =>
    {
        if (RunsGuest)
            Update(o => o with { GuestAgent = new GuestAgentObservation(true, "7.2.0") });
    });

    private bool HasDomain => _observation.State is not (DomainState.NoDomain or DomainState.Shutoff or DomainState.Crashed);

    private bool _ending;

    private void PressButton()
    {
        if (_qemu is { Runs: true, Guest.ObeysButton: true })
            After(_hosts.Timing.Shutdown, () => EndDomain(DomainState.Shutoff, DomainReason.Shutdown, null));
    }

    /// <summary>The guest ends by itself or by libvirt's hand.</summary>
    private void EndDomain(DomainState state, DomainReason reason, string? message)
    {
        if (_qemu is not { IsAlive: true } qemu || !HasDomain)
            return;
        qemu.End(reason.ToString());
        OnGuestEnded(state, reason, message);
    }

    private void OnGuestEnded(DomainState state, DomainReason reason, string? message)
    {
        if (OnIncomingGone())
            return;
        Update(o => o with { State = state, Reason = reason, Message = message, GuestAgent = o.GuestAgent is { } agent ? agent with { Connected = false } : null });
        FailRun("the domain is not running any more");
        if (_ending)
            Exit(reason is DomainReason.Crashed ? 1 : 0, message ?? "told to end");
        else if (reason is not DomainReason.Migrated)
            After(_hosts.Timing.Afterlife, () => Exit(reason is DomainReason.Crashed ? 1 : 0, message ?? "the guest has ended"));
    }

    private void Update(Func<DomainObservation, DomainObservation> change, bool silently = false)
    {
        var next = change(_observation) with { Sequence = _observation.Sequence, At = _observation.At };
        if (next == _observation)
            return;
        _observation = next with { Sequence = _observation.Sequence + 1, At = Now };
        if (!silently && _agent is { IsGreeted: true } agent)
            agent.Push(_observation);
    }

    private void After(TimeSpan delay, Action work) =>
        _ = Task.Delay(delay, _hosts.Time).ContinueWith(_ => Post(work), TaskScheduler.Default);

    /// <summary>The process is no more, and nothing of what it held.</summary>
    private void Exit(int code, string why)
    {
        if (!IsAlive)
            return;
        _qemu?.End(why);
        IsAlive = false;
        _hosts.Network.Close(Address, this);
        if (_source.LeavesWord && _run is { Order: var order })
            _hosts.Leave(PodUid, new LastWord(_vmiUid, order.MigrationId, order.TargetEpoch));
        EndMigration();
        _agent?.Close();
        _queue.Dispose();
        _hosts.OnEnded(this, code, why);
    }
}
