using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Networking;
using Troupe.NodeActors.Tests.Support;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class StartAndStopTests : NodeAgentTest
{
    [Fact]
    public async Task A_guest_is_started_as_soon_as_its_launcher_listens()
    {
        var pod = Folders.AddPod();
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        var launcher = Launcher(pod);

        var report = await ReportOfAsync(agent, DomainState.Running);
        Assert.Equal((1, LauncherPresence.Connected, Node), (report.Epoch, report.Launcher, report.Node));
        var launch = Assert.IsType<LaunchDomain>(Assert.Single(launcher.Requests));
        Assert.True(launch.Context.UseEmulation);
        Assert.Equal("vmi", launch.Vmi.Metadata.Name);
    }

    [Fact]
    public async Task A_repeated_order_starts_nothing_twice()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var agent = await StartAgentAndHearItAsync();
        for (var i = 0; i < 5; i++)
            agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        agent.Tell(Run(pod));
        agent.Tell(new QueryDomain(Node, Vmi, 1));
        await ReportOfAsync(agent, DomainState.Running);
        Assert.Equal(1, launcher.Starts);
        Assert.Single(launcher.Requests);
    }

    [Theory]
    [InlineData(Cut.Before)]
    [InlineData(Cut.After)]
    public async Task A_connection_that_breaks_at_every_step_of_a_life_changes_nothing_about_it(Cut cut)
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        HashSet<Type> cutAlready = [];
        var agent = await StartAgentAndHearItAsync();
        await Eventually(() => launcher.Hellos >= 2);
        launcher.CutAt = request => cutAlready.Add(request.GetType()) ? cut : Cut.No;
        launcher.CutConnection();

        agent.Tell(Run(pod));
        await ReportOfAsync(agent, DomainState.Running);
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow + TimeSpan.FromSeconds(1)));
        await ReportOfAsync(agent, DomainState.Shutoff);
        agent.Tell(new ReleaseDomain(Node, Vmi, 1));
        await NextAsync<DomainNotHere>();

        Assert.Equal(1, launcher.Starts);
        Assert.Equal([typeof(DestroyDomain), typeof(LaunchDomain), typeof(LauncherHello), typeof(QuitLauncher), typeof(ShutdownDomain)], cutAlready.OrderBy(t => t.Name, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_guest_that_obeys_the_power_button_is_not_destroyed()
    {
        var (agent, launcher) = await RunningAsync();
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow + TimeSpan.FromMinutes(5)));
        await Eventually(() => launcher.Requests.OfType<ShutdownDomain>().Any());
        launcher.Change(DomainState.Shutoff, DomainReason.Shutdown);
        Assert.Equal(DomainReason.Shutdown, (await ReportOfAsync(agent, DomainState.Shutoff)).Domain.Reason);
        Assert.Empty(launcher.Requests.OfType<DestroyDomain>());
    }

    [Fact]
    public async Task A_guest_that_ignores_the_power_button_is_destroyed_at_the_deadline()
    {
        var (agent, launcher) = await RunningAsync();
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow + TimeSpan.FromSeconds(1)));
        Assert.Equal(DomainReason.Destroyed, (await ReportOfAsync(agent, DomainState.Shutoff)).Domain.Reason);
        Assert.IsType<DestroyDomain>(launcher.Requests.Last());
    }

    [Fact]
    public async Task A_shorter_deadline_replaces_the_longer_one()
    {
        var (agent, launcher) = await RunningAsync();
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow + TimeSpan.FromHours(1)));
        await Eventually(() => launcher.Requests.OfType<ShutdownDomain>().Any());
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow));
        await ReportOfAsync(agent, DomainState.Shutoff);
    }

    [Fact]
    public async Task A_guest_stopped_before_it_ever_ran_counts_as_shut_down()
    {
        var pod = Folders.AddPod();
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        agent.Tell(new StopDomain(Node, Vmi, 1, DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1)));
        var launcher = Launcher(pod);
        Assert.Equal(DomainReason.Shutdown, (await ReportOfAsync(agent, DomainState.Shutoff)).Domain.Reason);
        Assert.Equal(0, launcher.Starts);
    }

    [Theory]
    [InlineData(LauncherError.InvalidSpec)]
    [InlineData(LauncherError.Unsupported)]
    public async Task What_a_launcher_can_never_run_is_refused_for_good_and_asked_once(LauncherError error)
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        launcher.Refuse = r => r is LaunchDomain ? (error, "spec.domain.cpu.model: no such model") : null;
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        for (var i = 0; i < 3; i++)
        {
            var refusal = await NextAsync<DomainRefused>();
            Assert.Equal((error.ToString(), "spec.domain.cpu.model: no such model", true), (refusal.Reason, refusal.Message, refusal.Fatal));
            agent.Tell(Run(pod));
        }

        Assert.Single(launcher.Requests);
        agent.Tell(new ReleaseDomain(Node, Vmi, 1));
        await NextAsync<DomainNotHere>();
    }

    [Fact]
    public async Task A_start_that_libvirt_refuses_is_tried_again_and_succeeds()
    {
        var pod = Folders.AddPod();
        var launcher = Launcher(pod);
        var refusals = 1;
        launcher.Refuse = r => r is LaunchDomain && Interlocked.Decrement(ref refusals) >= 0 ? (LauncherError.LibvirtFailed, "cannot allocate memory") : null;
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        Assert.False((await NextAsync<DomainRefused>()).Fatal);
        await ReportOfAsync(agent, DomainState.Running);
        Assert.Equal(2, launcher.Requests.Count);
    }

    [Fact]
    public async Task A_network_that_fails_now_is_tried_again_and_one_that_can_never_be_is_refused()
    {
        var pod = Folders.AddPod();
        Launcher(pod);
        Networking.Failures.Enqueue(new IOException("nft: busy"));
        Networking.Failures.Enqueue(new UnsupportedNetworkException("only the masquerade binding is supported yet"));
        var agent = await StartAgentAndHearItAsync();
        agent.Tell(Run(pod));
        var refusal = await NextAsync<DomainRefused>();
        Assert.Equal(("Unsupported", true), (refusal.Reason, refusal.Fatal));
        Assert.Empty(Networking.Failures);
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
}
