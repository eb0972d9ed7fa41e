using Akka.Actor;
using Troupe.ControlPlane.Vmi;

namespace Troupe.ControlPlane.Machines;

/// <summary>
/// The shell around the pure decisions of one object's owner: it keeps what is known, asks for the next decision whenever that changes, makes
/// API calls (at most one of a kind at a time, again later when one fails) and holds status writes back a moment so that a burst becomes one.
/// </summary>
public abstract class OwnerActor<TState, TCall> : ReceiveActor, IWithTimers where TCall : struct, Enum
{
    private readonly ApiCalls<TCall> _calls = new();
    private readonly string _what;
    private readonly ILogger _log;
    private readonly TCall _writeCall;

    /// <summary>The timer that runs is the short one.</summary>
    private bool _isWriteDue;

    /// <param name="state">What is known at first.</param>
    /// <param name="what">Names the object in logs.</param>
    /// <param name="writeCall">The call that writes the status.</param>
    /// <param name="log">Failed calls are told to it.</param>
    protected OwnerActor(TState state, string what, TCall writeCall, ILogger log)
    {
        (State, _what, _writeCall, _log) = (state, what, writeCall, log);
        Receive<Changed>(c => Change(c.Change));
        Receive<LookAgain>(_ => Proceed());
        Receive<WriteStatus>(_ => Write());
        Receive<TryAgain>(again =>
        {
            _calls.Release(again.Call);
            Proceed();
        });
        Receive<Called>(OnCalled);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How long writes are held back so that a burst of news becomes one.</summary>
    public static readonly TimeSpan WriteDelay = TimeSpan.FromMilliseconds(40);

    /// <summary>The same for news that nobody waits for.</summary>
    public static readonly TimeSpan PatientWriteDelay = TimeSpan.FromSeconds(1);

    protected TState State { get; private set; }

    /// <summary>Decides and acts on what is known now.</summary>
    protected abstract void Proceed();

    /// <summary>Writes the status as it should read now.</summary>
    protected abstract void Write();

    protected override void PostStop()
    {
        _calls.Dispose();
        base.PostStop();
    }

    protected void Change(Func<TState, TState> change)
    {
        State = change(State);
        Proceed();
    }

    /// <summary>For use while a call runs: tells the actor a part of its result.</summary>
    protected Action<Func<TState, TState>> Teller()
    {
        var self = Self;
        return change => self.Tell(new Changed(change));
    }

    protected void LookAgainAfter(TimeSpan delay) => Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, delay);

    protected bool IsRunning(TCall call) => _calls.IsRunning(call);

    /// <param name="isDue">Whether the status differs from what is written.</param>
    /// <param name="isUrgent">Whether somebody may wait for the difference.</param>
    protected void ScheduleWrite(Func<bool> isDue, Func<bool>? isUrgent = null)
    {
        if (!_calls.IsFree(_writeCall) || (_isWriteDue && Timers.IsTimerActive(nameof(WriteStatus))) || !isDue())
            return;
        _isWriteDue = isUrgent?.Invoke() ?? true;
        if (_isWriteDue || !Timers.IsTimerActive(nameof(WriteStatus)))
            Timers.StartSingleTimer(nameof(WriteStatus), WriteStatus.Instance, _isWriteDue ? WriteDelay : PatientWriteDelay);
    }

    protected void Retire() => Context.Parent.Tell(new Akka.Cluster.Sharding.Passivate(PoisonPill.Instance));

    /// <param name="call">At most one of a kind runs at a time.</param>
    /// <param name="work">Returns what it came to, as a change of what the actor knows.</param>
    /// <param name="onError">What an error tells, or null when it tells nothing; it is tried again in any case.</param>
    protected void Do(TCall call, Func<CancellationToken, Task<Func<TState, TState>>> work, Func<Exception, Func<TState, TState>?>? onError = null)
    {
        if (!_calls.Begin(call))
            return;
        var ct = _calls.Stopped;
        Attempt().PipeTo(Self);

        async Task<Called> Attempt()
        {
            try
            {
                return new Called(call, await work(ct).ConfigureAwait(false), null, onError);
            }
            catch (Exception e)
            {
                return new Called(call, null, e, onError);
            }
        }
    }

    private void OnCalled(Called called)
    {
        if (called.Error is OperationCanceledException && _calls.Stopped.IsCancellationRequested)
            return;
        var retry = _calls.End(called.Call, called.Error is not null);
        var change = called.Change;
        if (called.Error is { } error)
        {
            _log.LogWarning("{What}: {Call} failed, again in {Delay}: {Error}", _what, called.Call, retry, error.Message);
            Timers.StartSingleTimer($"retry-{called.Call}", new TryAgain(called.Call), retry);
            change = called.OnError?.Invoke(error);
        }

        Change(change ?? (s => s));
    }

    private sealed record Changed(Func<TState, TState> Change) : INoSerializationVerificationNeeded;

    private sealed record Called(TCall Call, Func<TState, TState>? Change, Exception? Error, Func<Exception, Func<TState, TState>?>? OnError) : INoSerializationVerificationNeeded;

    private sealed record TryAgain(TCall Call) : INoSerializationVerificationNeeded;

    private sealed class LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    private sealed class WriteStatus
    {
        public static readonly WriteStatus Instance = new();
    }
}
