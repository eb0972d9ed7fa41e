using System.Text.Json;
using Akka.Actor;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Tests.Support;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class ReportingTests : NodeAgentTest
{
    [Fact]
    public async Task A_report_is_repeated_until_it_is_acknowledged()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        var first = await NextAsync<DomainReported>(r => r.Domain.State is DomainState.Running);
        Assert.Equal(first.Sequence, (await NextAsync<DomainReported>()).Sequence);
        // An acknowledgement of something older is none of this.
        agent.Tell(new ReportAcknowledged(Node, Vmi, 1, first.Sequence - 1));
        Assert.Equal(first.Sequence, (await NextAsync<DomainReported>()).Sequence);

        agent.Tell(new ReportAcknowledged(Node, Vmi, 1, first.Sequence));
        // Two heartbeats are time enough for two repetitions.
        for (var i = 0; i < 2; i++)
        {
            await ControlPlane.FishForMessageAsync(
                m => m is DomainReported r ? throw new InvalidOperationException($"report {r.Sequence} is repeated though acknowledged") : m is AgentHello, Patience);
        }

        launcher.Change(DomainState.Paused, DomainReason.User);
        Assert.Equal(first.Sequence + 1, (await NextAsync<DomainReported>()).Sequence);
    }

    [Fact]
    public async Task An_agent_that_starts_after_a_source_launcher_has_died_tells_its_last_word()
    {
        var pod = Folders.AddPod();
        await File.WriteAllBytesAsync(Path.Combine(Folders.Pods.Sockets(pod), LauncherPaths.LastWordName), JsonSerializer.SerializeToUtf8Bytes(new LastWord(Vmi, "m", 2), LauncherJson.Default.LastWord));
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(new QueryDomain(Node, Vmi, 1));
        var told = await ReportOfAsync(agent, r => r.Launcher is LauncherPresence.Lost);
        Assert.Equal((SourceStage.Stopped, 2L), (told.Domain.Migration!.Source, told.Domain.Migration.TargetEpoch));
    }

    [Fact]
    public async Task A_smaller_epoch_is_refused_and_changes_nothing()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod, epoch: 5));
        await ReportOfAsync(agent, DomainState.Running);

        agent.Tell(new StopDomain(Node, Vmi, 4, DateTimeOffset.UtcNow));
        var refusal = await NextAsync<DomainRefused>();
        Assert.Equal((4, "StaleEpoch", false), (refusal.Epoch, refusal.Reason, refusal.Fatal));
        agent.Tell(new ReleaseDomain(Node, Vmi, 4));
        await NextAsync<DomainRefused>();
        agent.Tell(new QueryDomain(Node, Vmi, 5));
        Assert.Equal(5, (await ReportOfAsync(agent, DomainState.Running)).Epoch);
        Assert.Single(launcher.Requests);
    }

    [Fact]
    public async Task A_lost_connection_to_a_living_launcher_is_made_again()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        var hellos = launcher.Hellos;
        launcher.CutConnection();
        await Eventually(() => launcher.Hellos > hellos);
        launcher.Change(DomainState.Paused, DomainReason.IoError);
        Assert.Equal(LauncherPresence.Connected, (await ReportOfAsync(agent, DomainState.Paused)).Launcher);
        Assert.Single(launcher.Requests);
    }

    [Fact]
    public async Task A_launcher_that_is_gone_with_its_pod_is_reported_as_lost_and_forgotten()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        Folders.RemovePod(pod);
        await launcher.DisposeAsync();

        Assert.Equal(1, (await ReportOfAsync(agent, r => r.Launcher is LauncherPresence.Lost)).Epoch);
        await Eventually(() =>
        {
            agent.Tell(new QueryDomain(Node, Vmi, 1));
            return ControlPlane.ReceiveOne(TimeSpan.FromMilliseconds(200)) is DomainNotHere;
        });
    }

    [Fact]
    public async Task A_launcher_whose_process_lives_is_never_called_lost_though_it_does_not_answer()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        // The fake's process is this test's, which goes on; only its socket is closed, for longer than it takes to give up.
        await launcher.DisposeAsync();
        await NextAsync<AgentHello>();
        var again = Launcher(pod, domain: launcher.Domain);
        await Eventually(() => again.Hellos > 0);
        again.Change(DomainState.Paused, DomainReason.User);
        await ControlPlane.FishForMessageAsync(m => m switch
        {
            DomainReported { Launcher: LauncherPresence.Lost } => throw new InvalidOperationException("a launcher that lives was called lost"),
            DomainReported { Domain.State: DomainState.Paused } => true,
            _ => false,
        }, Patience);
    }

    [Fact]
    public async Task Releasing_a_guest_whose_launcher_never_came_ends_the_waiting_for_it()
    {
        var pod = Folders.AddPod();
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        agent.Tell(new ReleaseDomain(Node, Vmi, 1));
        await NextAsync<DomainNotHere>();
    }
}
