using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Tests.Support;
using Xunit;

namespace Troupe.NodeActors.Tests;

public sealed class NodeActorTests : NodeAgentTest
{
    [Fact]
    public async Task The_hello_comes_from_the_actor_that_takes_commands()
    {
        var agent = await StartAgentAndHearItAsync();
        Assert.Equal(agent, ControlPlane.LastSender);
    }

    [Fact]
    public async Task A_new_agent_takes_over_the_guests_that_run_and_reports_them_unasked()
    {
        var pod = Folders.AddPod();
        Folders.AddPod("a-pod-whose-launcher-does-not-listen");
        var launcher = Launcher(pod);
        var first = await StartAgentAndHearItAsync("first");
        first.Tell(Run(pod, epoch: 3));
        var before = await ReportOfAsync(first, DomainState.Running);
        await WatchAsync(first);
        Sys.Stop(first);
        await ExpectTerminatedAsync(first, Patience);
        Assert.Equal(DomainState.Running, launcher.Domain.State);

        var second = StartAgent("second");
        var report = await ReportOfAsync(second, r => r.Agent == "second" && r.Domain.State is DomainState.Running);
        Assert.Equal(3, report.Epoch);
        Assert.True(report.Sequence > before.Sequence, "an acknowledgement meant for the first agent must not count for the second");
        Assert.Equal(1, launcher.Starts);
        second.Tell(new StopDomain(Node, Vmi, 3, DateTimeOffset.UtcNow));
        await ReportOfAsync(second, DomainState.Shutoff);
    }

    [Fact]
    public async Task A_launcher_without_an_epoch_is_left_alone_until_the_control_plane_grants_one()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        await Eventually(() => launcher.Hellos >= 2);
        Assert.Empty(launcher.Requests);
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
    }

    [Fact]
    public async Task A_question_about_an_unknown_VMI_is_answered_and_an_order_for_another_node_is_not_obeyed()
    {
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(new StopDomain("node-2", Vmi, 1, DateTimeOffset.UtcNow));
        agent.Tell(Run("pod") with { VmiUid = "not / a / uid" });
        agent.Tell(new ReportAcknowledged(Node, Vmi, 1, 1));
        agent.Tell(new QueryDomain(Node, Vmi, 7));
        var answer = await NextAsync<DomainNotHere>();
        Assert.Equal((Vmi, Node, 7), (answer.VmiUid, answer.Node, answer.Epoch));
    }

    [Fact]
    public async Task A_pod_that_is_another_VMIs_is_not_touched()
    {
        var pod = Folders.AddPod();
        var agent = await StartAgentAndHearItAsync();
        var launcher = Launcher(pod, vmiUid: "another");
        agent.Tell(Run(pod));
        var refusal = await NextAsync<DomainRefused>();
        Assert.Equal(("WrongLauncher", true), (refusal.Reason, refusal.Fatal));
        agent.Tell(new ReleaseDomain(Node, Vmi, 1));
        await NextAsync<DomainNotHere>();
        Assert.Empty(launcher.Requests);
    }

    [Fact]
    public async Task A_domain_actor_that_breaks_finds_its_guest_again_by_itself()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        var before = await ReportOfAsync(agent, DomainState.Running);
        Clock.FailNext();
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow));
        var after = await ReportOfAsync(agent, r => r.Sequence > before.Sequence);
        Assert.Equal((1, DomainState.Running), (after.Epoch, after.Domain.State));
        // The order was lost with the actor that broke; its sender repeats it.
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow));
        await ReportOfAsync(agent, DomainState.Shutoff);
        Assert.Equal(1, launcher.Starts);
    }
}
