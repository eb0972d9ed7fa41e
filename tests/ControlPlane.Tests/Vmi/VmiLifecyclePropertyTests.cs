using CsCheck;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi;

/// <summary>The lifecycle under feeds and agents that lag, repeat themselves and overtake one another.</summary>
public sealed class VmiLifecyclePropertyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 10, 0, 0, TimeSpan.Zero);
    private static readonly string[] Order = [VmiPhases.Pending, VmiPhases.Scheduling, VmiPhases.Scheduled, VmiPhases.Running, VmiPhases.Succeeded];

    /// <summary>What each source tells, in its own order, and how the VMI ends.</summary>
    private sealed record History(IReadOnlyList<IVmiMessage> Vmi, IReadOnlyList<IVmiMessage> Pod, IReadOnlyList<IVmiMessage> Agent, string? End);

    private static readonly History[] Histories =
    [
        new([Seen()], [Pending(), Ready()], [Running(1), Domain(2, DomainState.Paused, DomainReason.User), Running(3)], VmiPhases.Running),
        new([Seen()], [Pending(), Ready()], [Running(1), Domain(2, DomainState.Shutoff, DomainReason.Shutdown)], VmiPhases.Succeeded),
        new([Seen()], [Pending(), Ready()], [Running(1), Domain(2, DomainState.Crashed, DomainReason.Panicked)], VmiPhases.Failed),
        new([Seen()], [Pending(), Ready(), Failed()], [Running(1)], VmiPhases.Failed),
        new([Seen()], [Pending(), Ready(), Gone()], [Running(1)], VmiPhases.Failed),
        new([Seen()], [Pending(), Ready()], [Running(1), Running(2) with { Launcher = LauncherPresence.Lost }], VmiPhases.Failed),
        // Deleted: whether as Succeeded or Failed depends on how far it had come, but nothing of it may stay.
        new([Seen(), Deleting(), new VmiGone("uid")], [Pending(), Ready(), Gone()], [Running(1), Domain(2, DomainState.Shutoff, DomainReason.Shutdown)], null),
    ];

    /// <summary>Which source speaks next, and which of what it said before is heard once more.</summary>
    private static readonly Gen<(int History, (int Source, int Echo)[] Turns)> Deliveries =
        Gen.Select(Gen.Int[0, Histories.Length - 1], Gen.Select(Gen.Int[0, 2], Gen.Int[0, 20]).Array[0, 40]);

    [Fact]
    public void Whatever_the_order_and_however_often_each_thing_is_told_the_VMI_comes_to_the_same_end() => Deliveries.Sample(d =>
    {
        var history = Histories[d.History];
        var run = Deliver(history, d.Turns);
        if (history.End is { } end)
            Assert.Equal(end, run.State.Phase);
        else
            Assert.True(run.State.Retired && !VmiLifecycle.KeepsFinalizer(run.State), run.State.ToString());
        Assert.True(run.Events.OfType<RightGranted>().Count() <= 1, "the right to run was granted twice");
        Assert.True(run.Events.OfType<PodNamed>().Count() == 1, "the pod was named twice");
        var phases = run.Events.OfType<PhaseEntered>().Select(p => p.Phase).ToList();
        Assert.Equal(phases, phases.OrderBy(p => p == VmiPhases.Failed ? Order.Length : Array.IndexOf(Order, p)).Distinct());
    }, iter: 3000);

    [Fact]
    public void Once_settled_nothing_that_was_said_before_changes_anything() => Deliveries.Sample(d =>
    {
        var history = Histories[d.History];
        var run = Deliver(history, d.Turns);
        foreach (var echo in history.Agent.Concat(history.Pod).Concat(history.Vmi.Where(m => m is VmiObserved)))
            Assert.Empty(VmiLifecycle.Decide(run.State.Observe(echo), Now, "other").Events);
    }, iter: 1000);

    [Fact]
    public void Asking_twice_gives_the_same_answer_at_every_step() => Deliveries.Sample(d => Deliver(Histories[d.History], d.Turns, state =>
    {
        var (first, second) = (VmiLifecycle.Decide(state, Now, "abcde"), VmiLifecycle.Decide(state, Now, "abcde"));
        Assert.Equal(first.Events, second.Events);
        Assert.Equal(first.Effects.Select(e => e.ToString()), second.Effects.Select(e => e.ToString()));
    }), iter: 500);

    [Fact]
    public void The_journal_alone_leads_back_to_every_decision() => Deliveries.Sample(d =>
    {
        var run = Deliver(Histories[d.History], d.Turns);
        var recovered = run.Events.Aggregate(new VmiState("uid"), (state, e) => state.Apply(e));
        Assert.Equal(
            (run.State.Phase, run.State.Right, run.State.PodName, run.State.StopDeadline, run.State.Released, run.State.Retired),
            (recovered.Phase, recovered.Right, recovered.PodName, recovered.StopDeadline, recovered.Released, recovered.Retired));
        Assert.Equal(run.State.Transitions, recovered.Transitions);
    }, iter: 500);

    /// <summary>Each source keeps its own order; echoes may come at any time; at last everybody repeats the latest, as feeds and agents do.</summary>
    private static (VmiState State, List<IVmiEvent> Events) Deliver(History history, (int Source, int Echo)[] turns, Action<VmiState>? atEachStep = null)
    {
        IReadOnlyList<IVmiMessage>[] sources = [history.Vmi, history.Pod, history.Agent];
        var (next, events, said) = (new int[3], new List<IVmiEvent>(), new List<IVmiMessage>());
        var state = new VmiState("uid");
        foreach (var (source, echo) in turns)
        {
            if (echo < said.Count)
                Hear(said[echo]);
            // An agent can't speak of a guest before it was told to run it.
            if (next[source] < sources[source].Count && (source != 2 || state.Right is not null))
                Say(source);
        }

        // The rest in the order in which it happens, then the latest of each until nothing moves.
        foreach (var source in new[] { 0, 1, 2 })
        {
            while (next[source] < sources[source].Count && (source != 0 || sources[0][next[0]] is VmiObserved))
                Say(source);
        }

        for (var round = 0; round < 3; round++)
        {
            foreach (var source in new[] { 1, 2, 0 })
                Hear(sources[source][^1] is VmiGone && VmiLifecycle.KeepsFinalizer(state) ? sources[source][^2] : sources[source][^1]);
        }

        return (state, events);

        void Say(int source)
        {
            var message = sources[source][next[source]];
            // The object can't vanish while its finalizer is there.
            if (message is VmiGone && VmiLifecycle.KeepsFinalizer(state))
                return;
            next[source]++;
            said.Add(message);
            Hear(message);
        }

        void Hear(IVmiMessage message)
        {
            state = state.Observe(message);
            for (var steps = 0; ; steps++)
            {
                atEachStep?.Invoke(state);
                var decided = VmiLifecycle.Decide(state, Now, "abcde").Events;
                if (decided.Count == 0)
                    return;
                Assert.True(steps < 10, "the lifecycle does not settle");
                state = decided.Aggregate(state, (s, e) => s.Apply(e));
                events.AddRange(decided);
            }
        }
    }

    private static VmiObserved Seen() => new("uid", Vmi(7));

    private static VmiObserved Deleting() => new("uid", Vmi(8) with { Metadata = Vmi(8).Metadata with { DeletionTimestamp = Now } });

    private static PodObserved Pending() => new("uid", Pod("Pending", 10));

    private static PodObserved Ready() => new("uid", Pod("Running", 11) with { Ready = true });

    private static PodObserved Failed() => new("uid", Pod("Failed", 12));

    private static PodGone Gone() => new("uid", Pod("Running", 12).Name, "pod-uid");

    private static DomainReported Running(long sequence) => Domain(sequence, DomainState.Running, DomainReason.Booted);

    private static DomainReported Domain(long sequence, DomainState state, DomainReason reason) =>
        new("uid", "node-1", 1, "agent", sequence, LauncherPresence.Connected, new DomainObservation { Epoch = 1, Sequence = sequence, State = state, Reason = reason });

    private static PodObservation Pod(string phase, int version) =>
        new("virt-launcher-demo-abcde", "pod-uid", "node-1", phase, false, false, ["10.0.0.5"], null, null, null, null, null, null, "image", ResourceVersion: $"{version}");

    private static VirtualMachineInstance Vmi(int version) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid", ResourceVersion = $"{version}" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Devices = new Devices() } },
    };
}
