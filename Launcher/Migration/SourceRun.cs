using System.Diagnostics;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>One attempt to send the guest: the link to the target, libvirt's long call, and the passing on of the right.</summary>
internal sealed class SourceRun(DomainHost host, LauncherIdentity identity, MigrateDomain order, Action<string> log) : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CancelInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ReconnectInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A call that hangs in libvirt's talk with the target does not hear of an abort; closing that talk ends it.</summary>
    private const int CancelsBeforeClose = 15;
    private readonly PeerLink _link = new(identity, order.Target, order.TargetEpoch, log);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By its user: as such it arrives, too. Once the copy has begun to end, libvirt's own stop is not told from it.</summary>
    private readonly bool _isPaused = host.Observation is { State: DomainState.Paused, Reason: DomainReason.User };
    private int _passing;
    private int _cancelling;
    private readonly ConvergenceRules _rules = ConvergenceRules.Of(order.Options, host.BytesToMove(order.Options.CopyDisks));

    public event Action<IPeerMessage>? Heard;

    public event Action? Lost;

    /// <inheritdoc cref="PeerLink.Held"/>
    public event Action<bool>? Held;

    /// <summary>With the reason why the guest has not moved, or null.</summary>
    public event Action<string?>? Returned;

    public event Action<MigrationProgress, MigrationForecast?>? Progressed;

    /// <summary>With the reason why this copy is not to go on.</summary>
    public event Action<string>? GivenUp;

    public void Start()
    {
        _link.Heard += m => Heard?.Invoke(m);
        _link.Lost += () => Lost?.Invoke();
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

    private async Task RunAsync()
    {
        string? error = null;
        try
        {
            await _link.OpenAsync(_stop.Token).ConfigureAwait(false);
            var connection = await host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
            if (order.Options.Compression is { } method && (!DomainMigration.CanCompress(connection) || DomainMigration.Streams(order.Options) < 2))
                log($"migration: not compressed with {method}: that takes libvirt 9.4 (this is {connection.LibraryVersion}) and more than one stream");
            _ = FollowAsync(connection);
            var disks = order.Options.CopyDisks ? host.LocalDisks : [];
            await Task.Factory.StartNew(() => DomainMigration.Migrate(connection, host.Uuid, order.Options, _rules.FirstDowntimeMs, disks), _stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or IOException or OperationCanceledException)
        {
            error = e.Message;
            // A daemon that died is answered for only when there is one again that knows what the guest does.
            if (!_stop.IsCancellationRequested)
                await host.SettledConnectionAsync(_stop.Token).ConfigureAwait(false);
        }
        finally
        {
            _returned.TrySetResult();
        }

        log(error is null ? "migration: libvirt has moved the domain" : $"migration: libvirt has not moved the domain: {error}");
        Returned?.Invoke(error);
    }

    /// <summary>Looks at the copy and does what <see cref="Convergence"/> decides, until the call returns or the copy is given up.</summary>
    private async Task FollowAsync(LibvirtConnection connection)
    {
        var convergence = new Convergence(_rules);
        var clock = Stopwatch.StartNew();
        var shownAt = TimeSpan.Zero;
        while (!_returned.Task.IsCompleted)
        {
            await Task.WhenAny(_returned.Task, Task.Delay(LookInterval, _stop.Token)).ConfigureAwait(false);
            try
            {
                if (_returned.Task.IsCompleted)
                    return;
                var progress = await Task.Run(() => DomainMigration.Progress(connection, host.Uuid)).ConfigureAwait(false);
                var (next, step) = convergence.Decide(clock.Elapsed, progress);
                if (step is ConvergenceStep.GiveUp given)
                {
                    log($"migration: {given.Message}");
                    GivenUp?.Invoke(given.Message);
                    return;
                }

                if (step is not null)
                    await Task.Run(() => Do(connection, step)).ConfigureAwait(false);
                var isNews = next.Forecast != convergence.Forecast;
                if (isNews)
                    log($"migration: {next.Forecast!.Message}");
                convergence = next;
                if (progress is null || (!isNews && clock.Elapsed - shownAt < ProgressInterval))
                    continue;
                shownAt = clock.Elapsed;
                Progressed?.Invoke(progress, convergence.Forecast);
            }
            catch (LibvirtException e)
            {
                // The job ended in this moment, or the daemon did; what was to be done is decided again.
                log($"migration: {e.Message}");
            }
        }
    }

    private void Do(LibvirtConnection connection, ConvergenceStep step)
    {
        switch (step)
        {
            case ConvergenceStep.Pause:
                DomainMigration.Pause(connection, host.Uuid);
                break;
            case ConvergenceStep.SetDowntime wider:
                DomainMigration.SetDowntime(connection, host.Uuid, wider.Ms);
                break;
        }
    }

    private async Task CancelAsync()
    {
        for (var i = 0; !_returned.Task.IsCompleted && !_stop.IsCancellationRequested; i++)
        {
            try
            {
                var connection = await host.ConnectionAsync(_stop.Token).ConfigureAwait(false);
                await Task.Run(() => DomainMigration.Abort(connection, host.Uuid)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LibvirtException or OperationCanceledException)
            {
                log($"migration: {e.Message}; again");
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
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    if (!_link.IsConnected)
                        await _link.ConnectControlAsync(_stop.Token).ConfigureAwait(false);
                    if (await _link.SayAsync(new RunGuest(order.TargetEpoch, _isPaused)).ConfigureAwait(false))
                        return;
                }
                catch (IOException e)
                {
                    log($"migration: the target cannot be told to run: {e.Message}");
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
}
