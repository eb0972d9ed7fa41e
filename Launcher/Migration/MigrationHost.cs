using System.Threading.Channels;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Launcher.Sessions;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>
/// Plays this launcher's part in migrations: a shell around <see cref="SourceEndpoint"/> and <see cref="TargetEndpoint"/>. Everything that
/// happens goes through one queue, so that decisions and what follows from them at once come in one order.
/// </summary>
internal sealed class MigrationHost : IAsyncDisposable
{
    private static readonly TimeSpan ArrivalInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan WholeGrace = TimeSpan.FromSeconds(5);
    private readonly DomainHost _host;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly string _libvirtSocket;
    private readonly string _vmiUid;
    private readonly LauncherIdentity _identity;
    private readonly Channel<Func<Task>> _inbox = Channel.CreateUnbounded<Func<Task>>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private SourceEndpoint _source = new();
    private TargetEndpoint _target = new();
    private readonly SourceWord _word;
    private PeerListener? _listener;
    private SourceRun? _run;
    private LastWord? _lastWord;

    /// <summary>The guest has left by post-copy: the right went with libvirt's last step, and there is nothing more to say to the target.</summary>
    private bool _hasSwitched;

    /// <summary>Of a guest that comes here: it was paused by its user.</summary>
    private bool _comesPaused;

    public MigrationHost(DomainHost host, string vmiUid, string libvirtSocket, TimeProvider time, Action<string> log)
    {
        (_host, _libvirtSocket, _time, _log) = (host, libvirtSocket, time, log);
        _identity = new LauncherIdentity(vmiUid, time);
        (_vmiUid, _word) = (vmiUid, new SourceWord(Path.Combine(LauncherPaths.Sockets, LauncherPaths.LastWordName)));
        // Before there is another one, which may let the guest go on.
        host.DaemonDied = _word.TakeBack;
        host.Update(o => o with { Certificate = _identity.Certificate }, silently: true);
        host.Incoming = OnIncoming;
        host.DaemonLost += () =>
        {
            Post(() => DecideAsync(new SourceInput.DaemonLost()));
            Post(LookAgainAsync);
        };
        _ = WorkAsync();
    }

    public void Prepare(PrepareIncoming order) => Post(async () =>
    {
        if (Advance(new TargetInput.Prepare(order.Epoch)) is not TargetActions.Prepare)
            return;
        Show(order.MigrationId, o => o with { StartedAt = _time.GetUtcNow() });
        var succeeded = await TryPrepareAsync(order).ConfigureAwait(false);
        await DecideAsync(new TargetInput.Prepared(succeeded)).ConfigureAwait(false);
    });

    public void Adopt(AdoptIncoming order) => Post(() => DecideAsync(new TargetInput.Adopt(order.Epoch)));

    public void Refuse(RefuseIncoming order) => Post(() => DecideAsync(new TargetInput.Refuse(order.Epoch)));

    public void Start(MigrateDomain order) => Post(async () =>
    {
        var (next, actions) = _source.Decide(new SourceInput.Start(order.TargetEpoch));
        _source = next;
        if (actions is not SourceActions.Migrate)
            return;
        _host.Update(o => o with { Migration = new MigrationObservation(order.MigrationId, order.TargetEpoch, SourceStage.Migrating, TargetStage.None) { StartedAt = _time.GetUtcNow() } });
        _lastWord = new LastWord(_vmiUid, order.MigrationId, order.TargetEpoch);
        _run = new SourceRun(_host, _identity, order, OnFinishingAsync, _log);
        _run.Held += OnHeld;
        _run.Heard += message => Post(() => message is GuestLoaded loaded ? DecideAsync(new SourceInput.PeerLoaded(loaded.TargetEpoch)) : Task.CompletedTask);
        _run.Lost += channel => Post(() => OnLostAsync(channel));
        _run.Switching += () => Post(() => DecideAsync(new SourceInput.Switch()));
        _run.SwitchRefused += why => Post(() => OnSwitchRefusedAsync(why));
        _run.Returned += error => Post(() => OnReturnedAsync(error));
        _run.Progressed += (progress, forecast) => _host.Update(o => o.Migration is { } m ? o with { Migration = m with { Progress = progress, Forecast = forecast } } : o);
        _run.GivenUp += message => Post(() => GiveUpAsync(message));
        await Task.Run(_run.Start).ConfigureAwait(false);
    });

    public void Abort(AbortMigrate order) => Post(async () =>
    {
        var before = _source;
        await DecideAsync(new SourceInput.Abort(order.TargetEpoch)).ConfigureAwait(false);
        if (before.TargetEpoch != _source.TargetEpoch)
            _host.Update(o => o with { Migration = new MigrationObservation(order.MigrationId, order.TargetEpoch, SourceStage.Kept, TargetStage.None) { Message = "aborted before it began" } });
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _inbox.Writer.TryComplete();
        if (_listener is { } listener)
            await listener.DisposeAsync().ConfigureAwait(false);
        if (_run is { } run)
            await run.DisposeAsync().ConfigureAwait(false);
        _word.Dispose();
        _identity.Dispose();
    }

    /// <summary>Only a libvirt that does not learn of this launcher's death leaves the guest as it is.</summary>
    private void OnHeld(bool isHeld)
    {
        if (!isHeld)
            _word.TakeBack();
        else
            Post(() =>
            {
                if (_source.Stage is SourceStage.Migrating or SourceStage.Switching)
                    _word.Give(_lastWord!);
                return Task.CompletedTask;
            });
    }

    private void Post(Func<Task> work) => _inbox.Writer.TryWrite(work);

    private async Task WorkAsync()
    {
        await foreach (var work in _inbox.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or LibvirtException or OperationCanceledException)
            {
                _log($"migration: {e.Message}");
            }
        }
    }

    /// <summary>The decision is on the disk, and told, before libvirt's last step goes on.</summary>
    private Task<FinishVerdict> OnFinishingAsync(bool switched)
    {
        var verdict = new TaskCompletionSource<FinishVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(async () =>
        {
            var actions = await DecideAsync(new SourceInput.Finishing(switched)).ConfigureAwait(false);
            verdict.SetResult(actions.HasFlag(SourceActions.FinishRunning) ? FinishVerdict.Running : actions.HasFlag(SourceActions.FinishPaused) ? FinishVerdict.Paused : FinishVerdict.Held);
        });
        return verdict.Task;
    }

    private async Task OnSwitchRefusedAsync(string why)
    {
        _log($"migration: {why}");
        if (_source.Stage is not SourceStage.Switching)
            return;
        _host.Update(o => o.Migration is { } m ? o with { Migration = m with { Message = $"Live migration has been aborted: {why}" } } : o, silently: true);
        await DecideAsync(new SourceInput.SwitchRefused()).ConfigureAwait(false);
    }

    private async Task<SourceActions> DecideAsync(SourceInput input)
    {
        var before = _source.Stage;
        (_source, var actions) = _source.Decide(input);
        // Before anything is done: what comes now may let the guest go on.
        if (!_source.LeavesWord)
            _word.TakeBack();
        if (_source.HasLeft)
            _host.HasPassedOn = true;
        _hasSwitched |= _source.Stage is SourceStage.Switched;
        if (actions.HasFlag(SourceActions.KillGuest))
            _host.KillGuest();
        if (_source.Stage is SourceStage.PassedOn && before is not SourceStage.PassedOn)
            _word.Give(_lastWord!);
        if (actions.HasFlag(SourceActions.SendRun) && _run is { } run)
            run.PassOn();
        if (_source.Stage != before)
        {
            _log($"migration: source {before} -> {_source.Stage} on {input.GetType().Name}");
            _host.Update(o => o.Migration is { } m && m.TargetEpoch == _source.TargetEpoch ? o with { Migration = m with { Source = _source.Stage } } : o);
        }

        if (actions.HasFlag(SourceActions.StartPostCopy))
            _run?.StartPostCopy();
        if (actions.HasFlag(SourceActions.CancelJob))
            _run?.Cancel();
        if (actions.HasFlag(SourceActions.KeepGuest))
            await _host.KeepGuestAsync(_stop.Token).ConfigureAwait(false);
        return actions;
    }

    /// <summary>First the decision, then libvirt and QEMU may learn of it.</summary>
    private async Task OnLostAsync(PeerChannel channel)
    {
        // After the switch the launchers have nothing to say to each other.
        if (_hasSwitched && channel is PeerChannel.Control)
            return;
        await DecideAsync(new SourceInput.LinkLost()).ConfigureAwait(false);
        _run?.CloseLocal();
        if (_source.Stage is SourceStage.PassedOn && !_hasSwitched)
            _run?.PassOn();
    }

    private async Task GiveUpAsync(string message)
    {
        if (_source.Stage is not SourceStage.Migrating)
            return;
        _host.Update(o => o.Migration is { } m ? o with { Migration = m with { Message = message } } : o, silently: true);
        await DecideAsync(new SourceInput.GiveUp()).ConfigureAwait(false);
    }

    private async Task OnReturnedAsync(string? error)
    {
        // Why it was given up says more than that the call was ended.
        if (error is not null && _source.IsBusy)
            _host.Update(o => o.Migration is { Message: null } m ? o with { Migration = m with { Message = error } } : o, silently: true);
        _host.Update(o => o.Migration is { } m ? o with { Migration = m with { EndedAt = _time.GetUtcNow() } } : o, silently: true);
        await DecideAsync(new SourceInput.Returned(error is null)).ConfigureAwait(false);
        if (_source.Stage is SourceStage.Kept && _run is { } run)
        {
            _run = null;
            await run.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>libvirt's news about a domain that is not yet this launcher's; true when it is no news for anybody else.</summary>
    private bool OnIncoming(IncomingNews news)
    {
        var stage = _target.Stage;
        if (stage is TargetStage.None or TargetStage.Running)
            return false;
        switch (news)
        {
            case IncomingNews.Loaded when stage is not TargetStage.Arriving:
                Post(() => DecideAsync(new TargetInput.Loaded()));
                break;
            case IncomingNews.Running when stage is not TargetStage.Arriving:
                Post(() => DecideAsync(new TargetInput.Switched()));
                break;
            case IncomingNews.Broken:
                Post(BreakAsync);
                return true;
            case IncomingNews.Gone:
                Post(() => DecideAsync(new TargetInput.Gone()));
                break;
        }

        // What happens to a guest that runs is told as of any other.
        return stage is not TargetStage.Arriving;
    }

    /// <summary>The rest of the memory will not come: whatever the guest still does it does without it, until it stands still for good.</summary>
    private async Task BreakAsync()
    {
        if (_target.Stage is not TargetStage.Arriving)
            return;
        _host.EndGuest("the guest was lost in post-copy: the connection to its source ended before all of its memory was here");
        await DecideAsync(new TargetInput.Gone()).ConfigureAwait(false);
    }

    /// <summary>libvirt 9.0 does not tell that QEMU waits for memory that will not come; what is whole is seen to be within this time.</summary>
    private async Task AfterMemoryAsync()
    {
        await Task.Delay(WholeGrace, _time, _stop.Token).ConfigureAwait(false);
        Post(BreakAsync);
    }

    private async Task FollowArrivalAsync()
    {
        while (!_stop.IsCancellationRequested && _target.Stage is TargetStage.Arriving)
        {
            try
            {
                var connection = await _host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
                var isWhole = await Task.Run(() => DomainMigration.IsWhole(connection, _host.Uuid)).ConfigureAwait(false);
                if (isWhole is null)
                    Post(BreakAsync);
                else if (isWhole.Value)
                    Post(() => DecideAsync(new TargetInput.Whole()));
            }
            catch (LibvirtException e)
            {
                // The daemon is away, or the domain is; of that there is other news.
                _log($"migration: {e.Message}");
            }

            await Task.Delay(ArrivalInterval, _time, _stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>The daemon was away: its news of an incoming domain were missed. What was not whole by then will not become so.</summary>
    private async Task LookAgainAsync()
    {
        if (_target.Stage is not (TargetStage.Ready or TargetStage.Loaded or TargetStage.Arriving))
            return;
        var connection = await _host.SettledConnectionAsync(_stop.Token).ConfigureAwait(false);
        if (_target.Stage is TargetStage.Loaded or TargetStage.Arriving && connection.Find(_host.Uuid))
            return;
        await DecideAsync(new TargetInput.Gone()).ConfigureAwait(false);
    }

    private TargetActions Advance(TargetInput input)
    {
        (_target, var actions) = _target.Decide(input);
        return actions;
    }

    private async Task DecideAsync(TargetInput input)
    {
        var before = _target.Stage;
        var actions = Advance(input);
        if (actions.HasFlag(TargetActions.SendLoaded) && _listener is { } listener)
            await listener.SayAsync(new GuestLoaded(_target.Epoch)).ConfigureAwait(false);
        if (actions.HasFlag(TargetActions.Resume))
            await _host.RunIncomingAsync(_comesPaused, _stop.Token).ConfigureAwait(false);
        if (actions.HasFlag(TargetActions.Follow))
        {
            _host.RunsIncoming();
            _ = FollowArrivalAsync();
        }

        if (actions.HasFlag(TargetActions.Settle))
            await _host.SettleIncomingAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            // What is promised never to run is ended before the promise is heard.
            if (actions.HasFlag(TargetActions.Close) && _listener is { } open)
            {
                _listener = null;
                await open.DisposeAsync().ConfigureAwait(false);
                await _host.DestroyIncomingAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            if (_target.Stage != before)
            {
                _log($"migration: target {before} -> {_target.Stage} on {input.GetType().Name}");
                _host.Update(o => o.Migration is { } m ? o with { Migration = m with { Target = _target.Stage } } : o);
            }
        }

        if (before is TargetStage.Arriving && _target.Stage is TargetStage.Failed)
            _host.LostIncoming();
    }

    private async Task<bool> TryPrepareAsync(PrepareIncoming order)
    {
        try
        {
            await _host.PrepareIncomingAsync(order, _stop.Token).ConfigureAwait(false);
            if (order.Platform is { } platform && await _host.PreflightAsync(platform, order.Context.UseEmulation, _stop.Token).ConfigureAwait(false) is [var worst, ..] problems)
            {
                Refuse(order.MigrationId, worst.Reason, string.Join("; ", problems.Select(p => p.Message)));
                return false;
            }

            _comesPaused = order.Paused;
            File.Delete(PeerChannels.Socket(PeerChannel.Memory));
            File.Delete(PeerChannels.Socket(PeerChannel.Disks));
            var address = order.Network is { } network ? MigrationNetwork.Address(network) : order.ListenAddress;
            var listener = new PeerListener(address, MigrationProtocol.Port, _identity, order, _libvirtSocket, _log);
            listener.PeerConnected += () => Post(() => DecideAsync(new TargetInput.PeerConnected()));
            listener.MemoryEnded += () => _ = AfterMemoryAsync();
            listener.Heard += message => Post(() => message is RunGuest run ? OnRunAsync(run) : Task.CompletedTask);
            _listener = listener;
            Show(order.MigrationId, o => o with { Endpoint = listener.Endpoint, PostCopyProblem = PostCopySupport.Problem() });
            listener.Start();
            return true;
        }
        catch (UnsupportedSpecException e)
        {
            Refuse(order.MigrationId, PreflightReasons.Device, e.Message);
            return false;
        }
        catch (Exception e) when (e is LibvirtException or IOException or FormatException or System.Net.Sockets.SocketException)
        {
            _log($"migration: the target cannot be prepared: {e.Message}");
            Show(order.MigrationId, o => o with { Message = e.Message });
            return false;
        }
    }

    private Task OnRunAsync(RunGuest run)
    {
        _comesPaused = run.Paused;
        TakeSessions(run.Sessions ?? []);
        return DecideAsync(new TargetInput.PeerRun(run.TargetEpoch));
    }

    private void TakeSessions(IReadOnlyList<GuestSession> sessions)
    {
        try
        {
            if (SessionTable.Add(sessions, _host.MasqueradedAddresses) is { Refused: > 0 } refused)
                _log($"migration: {refused.Refused} of {sessions.Count} open sessions wait for their peers: {refused.Reason}");
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            _log($"migration: open sessions wait for their peers: {e.Message}");
        }
    }

    private void Refuse(string migrationId, string reason, string message)
    {
        _log($"migration: the guest cannot come here: {message}");
        Show(migrationId, o => o with { Reason = reason, Message = message });
    }

    private void Show(string migrationId, Func<MigrationObservation, MigrationObservation> change) =>
        _host.Update(o => o with { Migration = change(o.Migration ?? new MigrationObservation(migrationId, _target.Epoch, SourceStage.None, _target.Stage)) with { Target = _target.Stage } });
}
