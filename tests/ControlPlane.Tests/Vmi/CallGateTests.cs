using Troupe.ControlPlane.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi;

public sealed class CallGateTests
{
    [Fact]
    public async Task No_more_calls_than_allowed_are_under_way_and_one_that_fails_or_is_not_waited_for_takes_no_place()
    {
        var gate = new CallGate(2);
        var (running, most) = (0, 0);
        using var gone = new CancellationTokenSource();
        var first = new TaskCompletionSource<int>();
        var blocked = Enumerable.Range(0, 2).Select(_ => gate.PassAsync(_ => first.Task, TestContext.Current.CancellationToken)).ToList();
        var unwanted = gate.PassAsync(_ => Task.FromResult(0), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unwanted);
        first.SetException(new IOException("refused"));
        foreach (var call in blocked)
            await Assert.ThrowsAsync<IOException>(() => call);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gate.PassAsync(async ct =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return now;
        }, TestContext.Current.CancellationToken)));
        Assert.InRange(most, 1, 2);
    }

    private static void InterlockedMax(ref int most, int seen)
    {
        for (var known = Volatile.Read(ref most); seen > known; known = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, seen, known);
    }
}
