using Troupe.Kubernetes.Client;

namespace Troupe.ControlPlane.Vmi;

internal enum Call
{
    Write,
    CreatePod,
    DeletePod,
    CreateTargetPod,
    DeleteOtherPod,
    DeleteCompleted,
    LeadAddresses,
    MarkUnpaused,
    MarkEviction,
    TellDeschedulers,
    SetNetworks,
    TellNetworkInfo,
    TellTargetNetworkInfo,
    CreateAttachment,
    DeleteAttachment,
    AskForTrouble,
    StateClaim,
}

/// <summary>Which API calls of an actor are under way (at most one of each kind) and how long a failed one is held back.</summary>
internal sealed class ApiCalls<TCall> : IDisposable where TCall : struct, Enum
{
    private static readonly TimeSpan MinRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<TCall> _running = [];
    private readonly HashSet<TCall> _held = [];
    private readonly Dictionary<TCall, int> _failures = [];

    public CancellationToken Stopped => _stop.Token;

    /// <summary>False while such a call runs or is held back.</summary>
    public bool Begin(TCall call) => IsFree(call) && _running.Add(call);

    public bool IsRunning(TCall call) => _running.Contains(call);

    public bool IsFree(TCall call) => !_running.Contains(call) && !_held.Contains(call);

    /// <summary>
    /// Zero after a success. After a failure the call is held back until <see cref="Release"/>, which is due after the returned time.
    /// </summary>
    public TimeSpan End(TCall call, bool failed)
    {
        _running.Remove(call);
        if (!failed)
        {
            _failures.Remove(call);
            return TimeSpan.Zero;
        }

        _held.Add(call);
        var failures = _failures.GetValueOrDefault(call);
        _failures[call] = failures + 1;
        return Backoff.Delay(failures, MinRetry, MaxRetry, Random.Shared.NextDouble());
    }

    public void Release(TCall call) => _held.Remove(call);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
