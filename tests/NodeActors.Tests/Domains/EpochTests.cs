using CsCheck;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Domains;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class EpochTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly DomainObservation Running = new() { State = DomainState.Running, Epoch = 1, Sequence = 7 };

    [Fact]
    public void A_new_epoch_voids_the_orders_of_those_before_it()
    {
        var state = Command(Command(new DomainKnowledge("uid"), Run(1)), new StopDomain("node-1", "uid", 1, Now));
        state = Command(state with { Connected = true, Observation = Running }, new QueryDomain("node-1", "uid", 2));
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state, Now));
    }

    [Fact]
    public void An_epoch_found_in_the_launcher_voids_an_older_order_to_start()
    {
        var state = Command(new DomainKnowledge("uid"), Run(1)) with { Connected = true };
        state = DomainSteps.Answered(state, new LauncherHello("agent", 1), Reply(new DomainObservation { Epoch = 4 }), "node-1");
        Assert.Equal(4, state.Epoch);
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state, Now));
        Assert.Null(DomainSteps.Command(state, Run(3)));
    }

    [Fact]
    public void An_order_for_another_pod_finds_nothing_of_the_pod_before()
    {
        var state = Command(new DomainKnowledge("uid"), Run(1)) with { Connected = true, Observation = Running, Context = new LaunchContext(true, []) };
        state = Command(state, Run(2) with { PodUid = "pod-2" });
        Assert.Equal("pod-2", Assert.IsType<DomainStep.Connect>(DomainSteps.Next(state, Now)).PodUid);
        Assert.Null(state.Observation);
        Assert.Null(state.Context);
    }

    [Fact]
    public void An_observation_that_was_overtaken_changes_nothing() =>
        Assert.Equal(Running, DomainSteps.Observed(new DomainKnowledge("uid") { Observation = Running }, Running with { Sequence = 6, State = DomainState.NoDomain }).Observation);

    [Fact]
    public void A_start_that_is_still_under_way_is_asked_for_again_and_not_taken_for_done()
    {
        var state = Command(new DomainKnowledge("uid"), Run(1)) with { Connected = true, Context = new LaunchContext(true, []) };
        state = DomainSteps.Answered(state, new LaunchDomain(1, new VirtualMachineInstance(), state.Context!), Reply(new DomainObservation { Epoch = 1 }), "node-1");
        Assert.IsType<LaunchDomain>(Assert.IsType<DomainStep.Ask>(DomainSteps.Next(state, Now)).Request);
    }

    [Theory]
    [InlineData(LauncherPresence.Connected, false, false, LauncherPresence.Connected)]
    [InlineData(LauncherPresence.Connected, true, false, LauncherPresence.Connected)]
    [InlineData(LauncherPresence.Connected, false, true, LauncherPresence.Lost)]
    [InlineData(LauncherPresence.Awaited, false, false, LauncherPresence.Awaited)]
    [InlineData(LauncherPresence.Awaited, true, false, LauncherPresence.Lost)]
    [InlineData(LauncherPresence.Awaited, false, true, LauncherPresence.Lost)]
    public void Only_a_launcher_that_has_ended_or_never_was_is_given_up(LauncherPresence before, bool release, bool isGone, LauncherPresence after)
    {
        var state = new DomainKnowledge("uid") { PodUid = "pod", Presence = before, Release = release };
        for (var i = 0; i < DomainSteps.MaxConnects; i++)
            state = DomainSteps.ConnectFailed(state, isGone, Now);
        Assert.Equal(after, state.Presence);
    }

    [Fact]
    public void Whatever_is_commanded_no_guest_starts_without_an_order_of_the_highest_epoch_seen()
    {
        var command = Gen.Select(Gen.Int[0, 3], Gen.Long[1, 4], Gen.Int[1, 2], (kind, epoch, pod) => (IDomainCommand)(kind switch
        {
            0 => Run(epoch) with { PodUid = $"pod-{pod}" },
            1 => new StopDomain("node-1", "uid", epoch, Now),
            2 => new ReleaseDomain("node-1", "uid", epoch),
            _ => new QueryDomain("node-1", "uid", epoch),
        }));
        command.List[1, 8].Sample(commands =>
        {
            var state = new DomainKnowledge("uid") { PodUid = "pod-1" };
            long highest = 0;
            foreach (var c in commands)
            {
                state = DomainSteps.Command(state, c) ?? state;
                highest = Math.Max(highest, c.Epoch);
                Assert.Equal(highest, state.Epoch);
            }

            var ready = state with { Connected = true, Context = new LaunchContext(true, []) };
            if (DomainSteps.Next(ready, Now) is DomainStep.Ask { Request: LaunchDomain launch })
            {
                Assert.Equal(highest, launch.Epoch);
                Assert.Contains(commands, c => c is RunDomain && c.Epoch == highest);
                Assert.DoesNotContain(commands, c => c is StopDomain or ReleaseDomain && c.Epoch == highest && !IsBeforeAnotherPod(commands, c));
            }
        });

        // A start in another pod begins anew: what was ordered about the pod before does not concern it.
        static bool IsBeforeAnotherPod(List<IDomainCommand> commands, IDomainCommand stop) =>
            commands.SkipWhile(c => !ReferenceEquals(c, stop)).Skip(1).Any(c => c is RunDomain run && run.Epoch == stop.Epoch);
    }

    private static RunDomain Run(long epoch) => new("node-1", "uid", epoch, "pod-1", [], new VirtualMachineInstance());

    private static DomainKnowledge Command(DomainKnowledge state, IDomainCommand command) => DomainSteps.Command(state, command)!;

    private static LauncherReply Reply(DomainObservation domain) => new(LauncherError.None, null, new LauncherInfo("uid", 1, "", ""), domain);
}
