using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Tests.Support;
using Troupe.NodeActors.Volumes;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class VolumesTests : NodeAgentTest
{
    [Fact]
    public async Task A_volume_is_mounted_before_the_launcher_is_asked_to_plug_it_in_and_the_report_says_so()
    {
        var (agent, launcher) = await RunningAsync();
        launcher.Refuse = r => r is SyncDomain && Volumes.Now is not ["data"] ? (LauncherError.InvalidSpec, "nothing is mounted") : null;
        agent.Tell(Update("r2", "data"));
        var report = await ReportOfAsync(agent, r => r.Mounted is ["data"]);
        Assert.Equal(DomainState.Running, report.Domain.State);
        await Eventually(() => launcher.Requests.OfType<SyncDomain>().Any(s => s.Context.Revision == "r2"));
    }

    [Fact]
    public async Task A_volume_stays_mounted_until_the_guest_has_let_go_of_it()
    {
        var (agent, launcher) = await RunningAsync();
        agent.Tell(Update("r2", "data"));
        await ReportOfAsync(agent, r => r.Mounted is ["data"]);
        launcher.Observe(d => d with { Volumes = [new VolumeObservation("data", "sda")] });
        await ReportOfAsync(agent, r => r.Domain.Volumes.Count == 1);

        agent.Tell(Update("r3"));
        await Eventually(() => launcher.Requests.OfType<SyncDomain>().Any(s => s.Context.Revision == "r3"));
        Assert.Equal(["data"], Volumes.Now);
        launcher.Observe(d => d with { Volumes = [] });
        await ReportOfAsync(agent, r => r.Mounted.Count == 0);
        Assert.Empty(Volumes.Now);
    }

    [Fact]
    public async Task A_mount_that_fails_is_told_and_tried_again_and_one_that_cannot_be_is_told_once()
    {
        var (agent, _) = await RunningAsync();
        Volumes.Failures.Enqueue(new IOException("busy"));
        agent.Tell(Update("r2", "data"));
        var refused = await NextAsync<DomainRefused>();
        Assert.Equal(("HotplugFailed", "busy", "r2", false), (refused.Reason, refused.Message, refused.Revision, refused.Fatal));
        await ReportOfAsync(agent, r => r.Mounted is ["data"]);

        Volumes.Failures.Enqueue(new UnsupportedVolumeException("not here"));
        agent.Tell(Update("r3", "data", "more"));
        Assert.Equal(("Unsupported", "r3"), (await NextAsync<DomainRefused>()) is var r ? (r.Reason, r.Revision) : default);
    }

    [Fact]
    public async Task An_agent_that_has_just_started_finds_what_is_mounted_and_unmounts_what_is_ordered_away()
    {
        await Volumes.MountAsync(0, [new PluggedVolume("data", "hp", PluggedVolumeKind.Image)], CancellationToken.None);
        var (agent, _) = await RunningAsync();
        agent.Tell(new QueryDomain(Node, Vmi, 1));
        await ReportOfAsync(agent, r => r.Mounted is ["data"]);
        agent.Tell(Update("r2"));
        await ReportOfAsync(agent, r => r.Mounted.Count == 0);
    }

    private async Task<(IActorRef Agent, FakeLauncher Launcher)> RunningAsync()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        return (agent, launcher);
    }

    private static UpdateDomain Update(string revision, params string[] volumes) => new(Node, Vmi, 1, ["10.244.0.5"], [], Run("pod").Vmi)
    {
        Revision = revision,
        Volumes = [.. volumes.Select(v => new PluggedVolume(v, "hp", PluggedVolumeKind.Image))],
    };
}
