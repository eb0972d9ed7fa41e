using Troupe.Kubernetes.Client;

namespace Troupe.ControlPlane.Vmi;

internal enum Call
{
    Write,
    CreatePod,
    DeletePod,
    MarkUnpaused,
}

/// <summary>Which API calls of an actor are under way (at most one of each kind) and how long a failing one waits.</summary>
internal sealed class ApiCalls(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MinRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Call> _running = [];
    private readonly Dictionary<Call, (int Failures, DateTimeOffset NotBefore)> _failures = [];

    public CancellationToken Stopped => _stop.Token;

    /// <summary>False while such a call runs or waits after a failure.</summary>
    public bool Begin(Call call) => IsFree(call) && _running.Add(call);

    public bool IsFree(Call call) => !_running.Contains(call) && (!_failures.TryGetValue(call, out var f) || time.GetUtcNow() >= f.NotBefore);

    /// <summary>How long to wait before the next try; zero after a success.</summary>
    public TimeSpan End(Call call, bool failed)
    {
        _running.Remove(call);
        if (!failed)
        {
            _failures.Remove(call);
            return TimeSpan.Zero;
        }

        var failures = _failures.GetValueOrDefault(call).Failures;
        var delay = Backoff.Delay(failures, MinRetry, MaxRetry, Random.Shared.NextDouble());
        _failures[call] = (failures + 1, time.GetUtcNow() + delay);
        return delay;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
