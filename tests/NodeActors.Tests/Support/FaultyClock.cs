namespace Troupe.NodeActors.Tests.Support;

/// <summary>The system's clock, which can be made to fail once: a way to break an actor that has no other.</summary>
internal sealed class FaultyClock : TimeProvider
{
    private int _failNext;

    public void FailNext() => Volatile.Write(ref _failNext, 1);

    public override DateTimeOffset GetUtcNow() =>
        Interlocked.Exchange(ref _failNext, 0) == 1 ? throw new InvalidOperationException("the clock was told to fail") : base.GetUtcNow();
}
