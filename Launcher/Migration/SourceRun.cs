using System.Diagnostics;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Launcher.Sessions;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>One attempt to send the guest: the link to the target, libvirt's long call, and the passing on of the right.</summary>
internal sealed class SourceRun : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    /// <summary>For the process that holds QEMU's connection, which on a busy machine comes later than the wish to switch.</summary>
    private static readonly TimeSpan HolderPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CancelInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ReconnectInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A call that hangs in libvirt's talk with the target does not hear of an abort; closing that talk ends it.</summary>
    private const int CancelsBeforeClose = 15;
    private readonly DomainHost _host;
    private readonly MigrateDomain _order;
    private readonly Action<string> _log;
    private readonly PeerLink _link;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By its user: as such it arrives, too. Once the copy has begun to end, libvirt's own stop is not told from it.</summary>
    private readonly bool _isPaused;
    private Task<IReadOnlyList<GuestSession>?>? _sessions;
    private int _passing;
    private int _cancelling;
    private readonly ConvergenceRules _rules;

    /// <param name="finishing">What is to become of libvirt's last step; told whether QEMU has switched to post-copy.</param>
    public SourceRun(DomainHost host, LauncherIdentity identity, MigrateDomain order, Func<bool, Task<FinishVerdict>> finishing, Action<string> log)
    {
        _isPaused = host.Observation is { State: DomainState.Paused, Reason: DomainReason.User };
        // A guest that stands still writes nothing, and could not be left paused.
        var options = order.Options with { AllowPostCopy = order.Options.AllowPostCopy && !_isPaused };
        (_host, _order, _log) = (host, order with { Options = options }, log);
        _rules = ConvergenceRules.Of(options, host.BytesToMove(options.CopyDisks) + order.Copies.Sum(c => c.SizeBytes));
        _link = new PeerLink(identity, order.Target, order.TargetEpoch, log, options.AllowPostCopy ? () => OnFinishingAsync(finishing) : null);
    }

    public event Action<IPeerMessage>? Heard;

    /// <inheritdoc cref="PeerLink.Lost"/>
    public event Action<PeerChannel>? Lost;

    /// <inheritdoc cref="PeerLink.Held"/>
    public event Action<bool>? Held;

    /// <summary>With the reason why the guest has not moved, or null.</summary>
    public event Action<string?>? Returned;

    public event Action<MigrationProgress, MigrationForecast?>? Progressed;

    /// <summary>With the reason why this copy is not to go on.</summary>
    public event Action<string>? GivenUp;

    /// <summary>The guest is to go on at the target before all of its memory is there.</summary>
    public event Action? Switching;

    /// <summary>With the reason why QEMU does not switch.</summary>
    public event Action<string>? SwitchRefused;

    public void Start()
    {
        _link.Heard += m =>
        {
            // The guest stands still from here on; they are read while its QEMU is ended.
            if (m is GuestLoaded)
                _ = Sessions();
            Heard?.Invoke(m);
        };
        _link.Lost += channel => Lost?.Invoke(channel);
        _link.Held += isHeld => Held?.Invoke(isHeld);
        _ = RunAsync();
    }

    public void CloseLocal() => _link.CloseLocal();

    /// <summary>Tells the target that it may run, over a new connection if need be, until that has worked or the launcher ends.</summary>
    public void PassOn()
    {
        if (Interlocked.Exchange(ref _passing, 1) == 0)
            _ = PassOnAsync();
    }

    public void StartPostCopy() => _ = StartPostCopyAsync();

    public void Cancel()
    {
        if (Interlocked.Exchange(ref _cancelling, 1) == 0)
            _ = CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _link.DisposeAsync().ConfigureAwait(false);
    }

    private async Task StartPostCopyAsync()
    {
        try
        {
            var connection = await _host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
            await Task.Run(() => DomainMigration.StartPostCopy(connection, _host.Uuid)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException)
        {
            SwitchRefused?.Invoke(e.Message);
        }
    }

    private async Task<FinishVerdict> OnFinishingAsync(Func<bool, Task<FinishVerdict>> decide)
    {
        try
        {
            var connection = await _host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
            return await decide(await Task.Run(() => DomainMigration.HasSwitched(connection, _host.Uuid)).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException)
        {
            // The daemon that has said this is no more, and its connection neither.
            _log($"migration: {e.Message}");
            return FinishVerdict.Held;
        }
    }

    private async Task RunAsync()
    {
        string? error = null;
        try
        {
            // Without it the target could be reached by the pod network, if at all, which is what the administrator did not want.
            if (_order.Options.Network is { } network)
                _log($"migration: over {network}, from {MigrationNetwork.Address(network)} to {_order.Target.Address}");
            await _link.OpenAsync(_stop.Token).ConfigureAwait(false);
            var connection = await _host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
            if (_order.Options.Compression is { } method && (!DomainMigration.CanCompress(connection) || DomainMigration.Streams(_order.Options) < 2))
                _log($"migration: not compressed with {method}: that takes libvirt 9.4 (this is {connection.LibraryVersion}) and more than one stream");
            await _host.LetGoOfFunctionsAsync(_stop.Token).ConfigureAwait(false);
            _ = FollowAsync(connection);
            IReadOnlyList<string> disks = [.. _order.Options.CopyDisks ? _host.LocalDisks : [], .. _order.Copies.Select(c => _host.TargetOf(c.Name))];
            await Task.Factory.StartNew(() => DomainMigration.Migrate(connection, _host.Uuid, _order.Options, _rules.FirstDowntimeMs, disks, _order.Copies), _stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or IOException or InvalidOperationException or OperationCanceledException)
        {
            error = e.Message;
            // A daemon that died is answered for only when there is one again that knows what the guest does.
            if (!_stop.IsCancellationRequested)
                await _host.SettledConnectionAsync(_stop.Token).ConfigureAwait(false);
        }
        finally
        {
            _returned.TrySetResult();
        }

        _log(error is null ? "migration: libvirt has moved the domain" : $"migration: libvirt has not moved the domain: {error}");
        Returned?.Invoke(error);
    }

    /// <summary>Looks at the copy and does what <see cref="Convergence"/> decides, until the call returns or the copy is given up.</summary>
    private async Task FollowAsync(LibvirtConnection connection)
    {
        var convergence = new Convergence(_rules);
        var clock = Stopwatch.StartNew();
        var shownAt = TimeSpan.Zero;
        TimeSpan? wanted = null;
        while (!_returned.Task.IsCompleted)
        {
            await Task.WhenAny(_returned.Task, Task.Delay(LookInterval, _stop.Token)).ConfigureAwait(false);
            try
            {
                if (_returned.Task.IsCompleted)
                    return;
                var progress = await Task.Run(() => DomainMigration.Progress(connection, _host.Uuid)).ConfigureAwait(false);
                var (next, step) = convergence.Decide(clock.Elapsed, progress);
                if (step is ConvergenceStep.GiveUp given)
                {
                    _log($"migration: {given.Message}");
                    GivenUp?.Invoke(given.Message);
                    return;
                }

                if (step is ConvergenceStep.Switch)
                {
                    wanted ??= clock.Elapsed;
                    // Should this launcher die in the middle of the switch, a QEMU that sees that would go back on it.
                    if (_link.IsMemoryHeld && progress is not null)
                        Switching?.Invoke();
                    else if (clock.Elapsed - wanted < HolderPatience)
                        continue;
                    else
                        GivenUp?.Invoke("Live migration has been aborted: post-copy is not possible without a process that holds QEMU's connection");
                }
                else if (step is not null)
                    await Task.Run(() => Do(connection, step)).ConfigureAwait(false);
                var isNews = next.Forecast != convergence.Forecast;
                if (isNews)
                    _log($"migration: {next.Forecast!.Message}");
                convergence = next;
                if (progress is null || (!isNews && clock.Elapsed - shownAt < ProgressInterval))
                    continue;
                shownAt = clock.Elapsed;
                Progressed?.Invoke(progress, convergence.Forecast);
            }
            catch (LibvirtException e)
            {
                // The job ended in this moment, or the daemon did; what was to be done is decided again.
                _log($"migration: {e.Message}");
            }
        }
    }

    private void Do(LibvirtConnection connection, ConvergenceStep step)
    {
        switch (step)
        {
            case ConvergenceStep.Pause:
                DomainMigration.Pause(connection, _host.Uuid);
                break;
            case ConvergenceStep.SetDowntime wider:
                DomainMigration.SetDowntime(connection, _host.Uuid, wider.Ms);
                break;
        }
    }

    private async Task CancelAsync()
    {
        for (var i = 0; !_returned.Task.IsCompleted && !_stop.IsCancellationRequested; i++)
        {
            try
            {
                var connection = await _host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
                await Task.Run(() => DomainMigration.Abort(connection, _host.Uuid)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LibvirtException or OperationCanceledException)
            {
                _log($"migration: {e.Message}; again");
            }

            if (i == CancelsBeforeClose)
                _link.CloseLocal();
            await Task.WhenAny(_returned.Task, Task.Delay(CancelInterval, _stop.Token)).ConfigureAwait(false);
        }
    }

    private async Task PassOnAsync()
    {
        try
        {
            var right = new RunGuest(_order.TargetEpoch, _isPaused) { Sessions = await Sessions().ConfigureAwait(false) };
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    if (!_link.IsConnected)
                        await _link.ConnectControlAsync(_stop.Token).ConfigureAwait(false);
                    if (await _link.SayAsync(right).ConfigureAwait(false))
                        return;
                }
                catch (IOException e)
                {
                    _log($"migration: the target cannot be told to run: {e.Message}");
                }

                await Task.Delay(ReconnectInterval, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The launcher ends; by now the conductor has told the target.
        }
        finally
        {
            _passing = 0;
        }
    }

    private Task<IReadOnlyList<GuestSession>?> Sessions() => _sessions ??= Task.Run(ReadSessions);

    /// <summary>The guest moves without them, too, if with a longer silence for its peers.</summary>
    private IReadOnlyList<GuestSession>? ReadSessions()
    {
        try
        {
            return SessionTable.Read(_host.MasqueradedAddresses);
        }
        catch (IOException e)
        {
            _log($"migration: the guest's open sessions are not handed over: {e.Message}");
            return null;
        }
    }
}
