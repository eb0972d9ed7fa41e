using Akka.Actor;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>The promise of the journal: kill the actor at any moment, and the guest's life goes on as if nothing had happened.</summary>
public sealed class VmiCrashTests : IAsyncLifetime
{
    private readonly ActorSystem _system = ActorSystem.Create("crash", FusedJournal.Config);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly string[] Life = [VmiPhases.Pending, VmiPhases.Scheduling, VmiPhases.Scheduled, VmiPhases.Running, VmiPhases.Succeeded];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await _system.Terminate();

    [Fact]
    public async Task A_VMI_lives_from_creation_to_deletion()
    {
        var steps = await LiveAsync([]);
        Assert.Contains("create Pod", steps);
        Assert.Contains("tell RunDomain", steps);
        Assert.Contains("patch Pod/status", steps);
    }

    [Fact]
    public async Task Killed_before_or_after_any_step_it_starts_one_guest_in_one_pod_and_comes_to_the_same_end()
    {
        var steps = (await LiveAsync([])).Count;
        var points = Enumerable.Range(1, steps).SelectMany(step => new[] { new CrashPoint(step, Before: true), new CrashPoint(step, Before: false) });
        await Task.WhenAll(points.Select(point => LiveAsync([point])));
    }

    [Fact]
    public async Task Killed_again_and_again_it_still_does()
    {
        var random = new Random(20261125);
        var lives = Enumerable.Range(0, 40).Select(_ => Enumerable.Range(0, random.Next(2, 7)).Select(_ => new CrashPoint(random.Next(1, 13), random.Next(2) == 0)).ToList());
        await Task.WhenAll(lives.Select(LiveAsync));
    }

    [Fact]
    public async Task Any_API_call_may_fail_in_any_way_a_few_times()
    {
        string[] calls = ["create Pod", "patch VirtualMachineInstance", "patch Pod/status", "delete Pod"];
        var cases = calls.SelectMany(call => Enum.GetValues<Failure>().Select(failure => (call, failure)));
        await Task.WhenAll(cases.Select(c => LiveAsync([], FailTwice(c.call, c.failure), $"{c.call}: {c.failure}")));
    }

    private static Func<string, Failure?> FailTwice(string call, Failure failure)
    {
        var left = 2;
        return name => name == call && Interlocked.Decrement(ref left) >= 0 ? failure : null;
    }

    private Task<IReadOnlyList<string>> LiveAsync(IReadOnlyList<CrashPoint> crashes) => LiveAsync(crashes, null, string.Join(", then ", crashes));

    /// <returns>The steps of the actor's first incarnation.</returns>
    private async Task<IReadOnlyList<string>> LiveAsync(IReadOnlyList<CrashPoint> crashes, Func<string, Failure?>? fail, string what)
    {
        await using var world = new VmiWorld(crashes, fail);
        string Told() => $"{what}\nsteps:\n  {string.Join("\n  --\n  ", world.Steps.Select(s => string.Join("\n  ", s)))}\njournal: {string.Join(", ", world.Journal)}";
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await world.RunAsync(_system, deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the VMI did not come to its end: {Told()}");
        }

        Assert.True(world.Guest.Starts == 1, $"{world.Guest.Starts} guests: {Told()}");
        Assert.True(world.Guest.Epochs.SequenceEqual([1L]), $"epochs {string.Join(", ", world.Guest.Epochs)}: {Told()}");
        Assert.True(world.Api.PodsCreated == 1, $"{world.Api.PodsCreated} pods: {Told()}");
        Assert.True(world.Api.Pods.Count == 0, $"a pod is left: {Told()}");
        var journaled = world.Journal.OfType<PhaseEntered>().Select(p => p.Phase).ToList();
        Assert.True(journaled.SequenceEqual(Life), $"journaled {string.Join(", ", journaled)}: {Told()}");
        // The object may skip a phase, for writes are coalesced; it never goes back.
        Assert.True(world.Api.Phases.SequenceEqual(Life.Where(world.Api.Phases.Contains)), $"shown {string.Join(", ", world.Api.Phases)}: {Told()}");
        var end = world.Journal.Aggregate(new VmiState("any"), (state, e) => state.Apply(e));
        Assert.True(end is { Retired: true, Released: true, StopDeadline: not null, Right.Epoch: 1 }, Told());
        return world.Steps[0];
    }
}
