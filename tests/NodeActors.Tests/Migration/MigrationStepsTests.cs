using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Domains;
using Xunit;

namespace Troupe.NodeActors.Tests.Migration;

public sealed class MigrationStepsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly PrepareTarget Prepare = new("node-2", "uid", 2, "m", "pod", ["10.1.2.9"], "certificate", [], new VirtualMachineInstance());
    private static readonly AbortMigration Abort = new("node-1", "uid", 1, "m", 2);

    [Fact]
    public void A_target_gets_its_network_before_its_launcher_is_told_and_is_told_once()
    {
        var state = DomainSteps.Connected(DomainSteps.Command(new DomainKnowledge("uid") { PodUid = "pod" }, Prepare)!);
        Assert.IsType<DomainStep.PrepareNetwork>(DomainSteps.Next(state, Now));

        state = state with { Context = new LaunchContext(true, []) };
        var ask = Assert.IsType<DomainStep.Ask>(DomainSteps.Next(state, Now));
        Assert.Equal("10.1.2.9", Assert.IsType<PrepareIncoming>(ask.Request).ListenAddress);
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(Answered(state, ask), Now));
    }

    [Fact]
    public void An_order_of_an_epoch_that_is_over_is_refused()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid"), Prepare)!;
        Assert.Null(DomainSteps.Command(state, new StartMigration("node-2", "uid", 1, "m", 2, new MigrationEndpoint("a", 1, "c"), new MigrationOptions(0, 0, false, 0, false, true))));
    }

    [Fact]
    public void A_launcher_whose_guest_has_ended_is_still_asked_to_promise_that_it_keeps_it()
    {
        var state = DomainSteps.Connected(new DomainKnowledge("uid") { PodUid = "pod", Epoch = 1, Observation = new DomainObservation { Epoch = 1, State = DomainState.Shutoff } });
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state, Now));
        Assert.Equal(new AbortMigrate(1, "m", 2), Assert.IsType<DomainStep.Ask>(DomainSteps.Next(DomainSteps.Command(state, Abort)!, Now)).Request);
    }

    [Fact]
    public void A_target_in_another_pod_knows_nothing_of_the_pod_before()
    {
        var before = new DomainKnowledge("uid") { PodUid = "old", Epoch = 1, Observation = new DomainObservation { Epoch = 1, State = DomainState.Shutoff }, Presence = LauncherPresence.Lost };
        var state = DomainSteps.Command(before, Prepare)!;
        Assert.Equal(("pod", 2L, LauncherPresence.Awaited), (state.PodUid, state.Epoch, state.Presence));
        Assert.Null(state.Observation);
    }

    [Theory]
    [InlineData("uid", 2, SourceStage.Migrating, SourceStage.Stopped)]
    [InlineData("uid", 2, SourceStage.PassedOn, SourceStage.PassedOn)]
    [InlineData("uid", 2, null, SourceStage.Stopped)]
    [InlineData("uid", null, SourceStage.Migrating, SourceStage.Migrating)]
    [InlineData("another", 2, SourceStage.Migrating, SourceStage.Migrating)]
    public void A_source_launcher_that_died_is_spoken_for_by_the_word_it_left(string vmi, int? attempt, SourceStage? seen, SourceStage told)
    {
        var state = new DomainKnowledge("uid")
        {
            PodUid = "pod",
            Epoch = 1,
            Observation = seen is { } stage ? new DomainObservation { Epoch = 1, Migration = new MigrationObservation("m", 2, stage, TargetStage.None) } : null,
        };
        // Kubelet removes the folder while the launcher is still being looked for.
        var word = attempt is { } epoch ? new LastWord(vmi, "m", epoch) : null;
        for (var i = 0; i < DomainSteps.MaxConnects; i++)
            state = DomainSteps.ConnectFailed(state, isGone: true, Now, i == 0 ? word : null);
        Assert.Equal(LauncherPresence.Lost, state.Presence);
        Assert.Equal((told, 2L), (state.Observation!.Migration!.Source, state.Observation.Migration.TargetEpoch));
        Assert.Equal(told is SourceStage.Stopped ? Now : null, state.Observation.Migration.EndedAt);
    }

    private static DomainKnowledge Answered(DomainKnowledge state, DomainStep.Ask ask) => DomainSteps.Answered(state, ask.Request,
        new LauncherReply(LauncherError.None, null, new LauncherInfo("uid", 1, "", ""), new DomainObservation { Epoch = 2, Sequence = 1 }), "node-2");
}
