using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Tests.Support;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

/// <summary>What is done to a guest that runs already.</summary>
public sealed class OperationsTests : NodeAgentTest
{
    [Fact]
    public async Task An_operation_is_answered_to_whoever_asked_with_what_the_launcher_said()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        launcher.Refuse = r => r is OperateDomain { Operation: FreezeGuest } ? (LauncherError.NoGuestAgent, "VMI does not have guest agent connected") : null;
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        Assert.Equal(LauncherError.None, (await OperateAsync(agent, new PauseDomain())).Error);
        var frozen = await OperateAsync(agent, new FreezeGuest(0));
        Assert.Equal((LauncherError.NoGuestAgent, "VMI does not have guest agent connected"), (frozen.Error, frozen.Message));
    }

    [Fact]
    public async Task An_operation_on_a_guest_that_is_not_here_is_answered_at_once()
    {
        var agent = await StartAgentAndHearItAsync();
        Assert.Equal(LauncherError.NoDomain, (await OperateAsync(agent, new PauseDomain())).Error);
    }

    [Fact]
    public async Task A_changed_spec_reaches_the_launcher_once_for_each_generation()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        agent.Tell(Update(2));
        agent.Tell(Update(2));
        await Eventually(() => Synced(launcher).Count > 0);
        agent.Tell(Update(3));
        agent.Tell(Update(3));
        await Eventually(() => Synced(launcher).Contains(3));
        Assert.Equal([2L, 3L], Synced(launcher));
    }

    [Fact]
    public async Task A_change_that_the_launcher_cannot_make_leaves_the_guest_running_and_is_told()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        launcher.Refuse = r => r is SyncDomain ? (LauncherError.Unsupported, "spec.domain.x: no") : null;
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        agent.Tell(Update(2));
        var refused = await NextAsync<DomainRefused>();
        Assert.Equal((false, "spec.domain.x: no", "r2"), (refused.Fatal, refused.Message, refused.Revision));
        Assert.Equal(DomainState.Running, launcher.Domain.State);
    }

    /// <summary>Without a sender, as a message comes through the control plane's receptionist.</summary>
    private async Task<DomainOperated> OperateAsync(IActorRef agent, DomainOperation operation)
    {
        var client = CreateTestProbe();
        agent.Tell(new OperateGuest(Node, Vmi, 0, Akka.Serialization.Serialization.SerializedActorPath(client), operation), ActorRefs.NoSender);
        return await client.ExpectMsgAsync<DomainOperated>(Patience);
    }

    private static UpdateDomain Update(long generation)
    {
        var vmi = Run("pod").Vmi;
        return new UpdateDomain(Node, Vmi, 1, ["10.244.0.5"], [], vmi with { Metadata = vmi.Metadata with { Generation = generation } }) { Revision = $"r{generation}" };
    }

    private static List<long> Synced(FakeLauncher launcher) => [.. launcher.Requests.OfType<SyncDomain>().Select(s => s.Vmi.Metadata.Generation ?? 0)];
}
