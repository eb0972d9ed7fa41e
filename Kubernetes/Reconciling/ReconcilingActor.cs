using Akka.Actor;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;

namespace Troupe.Kubernetes.Reconciling;

/// <summary>What one reconcile came to.</summary>
/// <param name="RequeueAfter">Look again after this time even if nothing changes.</param>
public readonly record struct ReconcileResult(TimeSpan? RequeueAfter = null)
{
    public static ReconcileResult Done => default;
}

/// <summary>
/// Reconciles one object: however many triggers arrive while a reconcile runs, one more run follows it. A failure is logged and
/// tried again with a growing, jittered delay; nothing else retries.
/// </summary>
public abstract class ReconcilingActor : UntypedActor, IWithTimers
{
    private static readonly TimeSpan MinRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromMinutes(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _log;
    private bool _running;
    private bool _again;
    private int _failures;

    protected ReconcilingActor(ILogger log) => _log = log;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Brings the world to what is wanted; runs outside of the actor's mailbox, never twice at once.</summary>
    protected abstract Task<ReconcileResult> ReconcileAsync(CancellationToken ct);

    /// <summary>Takes in a message; true when a reconcile should follow.</summary>
    protected abstract bool Observe(object message);

    protected sealed override void OnReceive(object message)
    {
        switch (message)
        {
            case Finished finished:
                _running = false;
                Conclude(finished);
                if (_again)
                    Run();
                break;
            case Retry:
                Run();
                break;
            default:
                if (Observe(message))
                    Run();
                break;
        }
    }

    protected override void PostStop()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private void Run()
    {
        _again = _running;
        if (_running)
            return;
        _running = true;
        Timers.Cancel(nameof(Retry));
        Attempt().PipeTo(Self);
    }

    private async Task<Finished> Attempt()
    {
        try
        {
            return new Finished(await ReconcileAsync(_stop.Token).ConfigureAwait(false), null);
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stop.IsCancellationRequested)
        {
            return new Finished(default, e);
        }
    }

    private void Conclude(Finished finished)
    {
        if (finished.Error is { } error)
        {
            var delay = Backoff.Delay(_failures++, MinRetry, MaxRetry, Random.Shared.NextDouble());
            _log.LogWarning(error, "{Actor}: reconcile failed, again in {Delay}", Self.Path.Name, delay);
            Timers.StartSingleTimer(nameof(Retry), Retry.Instance, delay);
            return;
        }

        _failures = 0;
        if (finished.Result.RequeueAfter is { } after)
            Timers.StartSingleTimer(nameof(Retry), Retry.Instance, after);
    }

    private sealed record Finished(ReconcileResult Result, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed class Retry
    {
        public static readonly Retry Instance = new();
    }
}
