using Troupe.DevCluster.Api;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>
/// A controller that brings objects to what they should be, one key at a time: events only say which keys to look at, and however
/// many say so meanwhile, a key is looked at once. A key whose write was refused is looked at again after a growing pause.
/// </summary>
internal abstract class KeyedController(ObjectStore store, TimeProvider time, ILogger log) : Controller(store, log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Queue<string> _order = new();
    private readonly HashSet<string> _queued = [];
    private readonly Dictionary<string, int> _failures = [];
    private readonly Dictionary<string, ITimer> _timers = [];

    protected TimeProvider Time => time;

    /// <summary>The keys to look at after a change; none for a change that doesn't matter.</summary>
    protected abstract IEnumerable<string> KeysOf(StoreEvent e);

    /// <summary>The keys of everything that is there at the start.</summary>
    protected abstract IEnumerable<string> AllKeys();

    /// <returns>When to look at the key again even if nothing changes; null for never.</returns>
    protected abstract Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct);

    protected override Task StartAsync(CancellationToken ct)
    {
        foreach (var key in AllKeys()) Enqueue(key);
        return Task.CompletedTask;
    }

    protected override Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        foreach (var key in KeysOf(e)) Enqueue(key);
        return Task.CompletedTask;
    }

    protected override async Task DrainedAsync(CancellationToken ct)
    {
        // What arrives while this runs is queued as events, and the loop comes back here.
        while (Next() is { } key) await LookAtAsync(key, ct);
    }

    private void Enqueue(string key)
    {
        lock (_gate)
        {
            if (_queued.Add(key)) _order.Enqueue(key);
        }
    }

    private string? Next()
    {
        lock (_gate)
        {
            if (!_order.TryDequeue(out var key)) return null;
            _queued.Remove(key);
            if (_timers.Remove(key, out var timer)) timer.Dispose();
            return key;
        }
    }

    private async Task LookAtAsync(string key, CancellationToken ct)
    {
        try
        {
            var again = await ReconcileAsync(key, ct);
            _failures.Remove(key);
            if (again is { } pause) Later(key, pause);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            var failures = _failures[key] = _failures.GetValueOrDefault(key) + 1;
            // A conflict is everyday life: somebody else wrote first.
            if (failure is not ApiException { Code: 404 or 409 } || failures > 5)
                Log.LogWarning(failure, "{Controller}: {Key} (attempt {Attempt})", GetType().Name, key, failures);
            Later(key, TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(failures, 20))));
        }
    }

    private void Later(string key, TimeSpan pause)
    {
        lock (_gate)
        {
            if (_timers.Remove(key, out var old)) old.Dispose();
            _timers[key] = time.CreateTimer(_ =>
            {
                Enqueue(key);
                Wake();
            }, null, pause > TimeSpan.Zero ? pause : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }
}
