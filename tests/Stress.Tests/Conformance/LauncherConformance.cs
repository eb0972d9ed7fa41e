using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>What a node agent may rely on. The same for the real launcher and for the simulated one, so that what is learnt with one holds for the other.</summary>
public abstract class LauncherConformance(ILauncherLab lab) : IAsyncLifetime
{
    private readonly List<LauncherUnderTest> _started = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_new_launcher_says_whose_it_is_and_that_it_has_no_domain()
    {
        var (launcher, hello) = await StartAsync();
        Assert.Equal((LauncherError.None, lab.Vmi.Metadata.Uid, LauncherProtocol.Version), (hello.Error, hello.Launcher.VmiUid, hello.Launcher.ProtocolVersion));
        Assert.Equal((DomainState.NoDomain, 0), (hello.Domain.State, hello.Domain.Epoch));
        Assert.NotNull(hello.Domain.Certificate);
        Assert.Equal(LauncherError.NoDomain, (await launcher.AskAsync(new ShutdownDomain(1))).Error);
        Assert.Equal(LauncherError.NoDomain, (await launcher.AskAsync(new DestroyDomain(1))).Error);
        Assert.Equal(LauncherError.NoDomain, (await launcher.OperateAsync(new PauseDomain())).Error);
    }

    [Fact]
    public async Task A_launched_guest_runs_once_however_often_its_start_is_repeated_and_an_older_epoch_has_no_say()
    {
        var launcher = await RunningAsync(epoch: 5);
        var again = await launcher.DoAsync(new LaunchDomain(5, lab.Vmi, lab.Context));
        Assert.Equal((5, DomainState.Running, DomainReason.Booted), (again.Domain.Epoch, again.Domain.State, again.Domain.Reason));
        Assert.NotNull(again.Domain.Machine);
        foreach (var old in (ILauncherRequest[])[new LaunchDomain(4, lab.Vmi, lab.Context), new ShutdownDomain(4), new DestroyDomain(4), new QuitLauncher(4), new OperateDomain(4, new PauseDomain())])
            Assert.Equal(LauncherError.StaleEpoch, (await launcher.AskAsync(old)).Error);
        Assert.Equal(DomainState.Running, (await launcher.DoAsync(new LauncherHello("test", LauncherProtocol.Version))).Domain.State);
    }

    [Fact]
    public async Task The_power_button_ends_a_guest_that_obeys_it_and_its_launcher_afterwards()
    {
        var launcher = await RunningAsync();
        await launcher.UntilAsync(o => o.GuestAgent is { Connected: true });
        await launcher.DoAsync(new ShutdownDomain(1));
        await launcher.UntilAsync(o => o is { State: DomainState.Shutoff, Reason: DomainReason.Shutdown });
        Assert.Equal(LauncherError.NoDomain, (await launcher.AskAsync(new ShutdownDomain(1))).Error);
        Assert.Equal(0, await launcher.ExitCodeAsync());
    }

    [Fact]
    public async Task A_guest_that_is_destroyed_ends_at_once_and_is_never_started_again_by_the_same_launcher()
    {
        var launcher = await RunningAsync();
        await launcher.DoAsync(new DestroyDomain(1));
        await launcher.UntilAsync(o => o is { State: DomainState.Shutoff, Reason: DomainReason.Destroyed });
        Assert.Equal(DomainState.Shutoff, (await launcher.DoAsync(new LaunchDomain(1, lab.Vmi, lab.Context))).Domain.State);
        Assert.False(launcher.HasGuest);
    }

    [Fact]
    public async Task A_dead_QEMU_is_a_crash_that_says_so_and_the_launcher_fails_with_it()
    {
        var launcher = await RunningAsync();
        await launcher.KillGuestAsync();
        var end = await launcher.UntilAsync(o => o is { State: DomainState.Shutoff, Reason: DomainReason.Crashed });
        Assert.Contains("QEMU ended unexpectedly", end.Message, StringComparison.Ordinal);
        Assert.Equal(1, await launcher.ExitCodeAsync());
    }

    [Fact]
    public async Task A_launcher_that_is_told_to_quit_answers_ends_its_guest_and_succeeds()
    {
        var launcher = await RunningAsync();
        await launcher.DoAsync(new QuitLauncher(1));
        await launcher.Closed.WaitAsync(LauncherUnderTest.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(0, await launcher.ExitCodeAsync());
    }

    [Fact]
    public async Task A_guest_is_paused_once_and_resumed_once()
    {
        var launcher = await RunningAsync();
        Assert.Equal(LauncherError.None, (await launcher.OperateAsync(new PauseDomain())).Error);
        await launcher.UntilAsync(o => o is { State: DomainState.Paused, Reason: DomainReason.User });
        var again = await launcher.OperateAsync(new PauseDomain());
        Assert.Equal((LauncherError.WrongState, "VMI is already paused"), (again.Error, again.Message));
        Assert.Equal(LauncherError.None, (await launcher.OperateAsync(new UnpauseDomain())).Error);
        await launcher.UntilAsync(o => o.State is DomainState.Running);
        Assert.Equal(LauncherError.WrongState, (await launcher.OperateAsync(new UnpauseDomain())).Error);
    }

    [Fact]
    public async Task A_guest_that_starts_paused_has_no_agent_and_what_needs_one_is_refused()
    {
        var (launcher, _) = await StartAsync();
        await launcher.DoAsync(new LaunchDomain(1, lab.Vmi with { Spec = lab.Vmi.Spec! with { StartStrategy = "Paused" } }, lab.Context));
        await launcher.UntilAsync(o => o.State is DomainState.Paused);
        var ping = await launcher.OperateAsync(new PingGuestAgent(1));
        Assert.Equal((LauncherError.NoGuestAgent, "VMI does not have guest agent connected"), (ping.Error, ping.Message));
    }

    [Fact]
    public async Task The_newest_connection_ends_the_one_before_and_finds_the_guest_as_it_is()
    {
        var launcher = await RunningAsync(epoch: 3);
        var before = launcher.Closed;
        await using var newer = await launcher.OpenAsync(_ => { }, () => { }, TestContext.Current.CancellationToken);
        var hello = await newer.AskAsync(new LauncherHello("newer", LauncherProtocol.Version), TestContext.Current.CancellationToken);
        Assert.Equal((3, DomainState.Running), (hello.Domain.Epoch, hello.Domain.State));
        await before.WaitAsync(LauncherUnderTest.Patience, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var launcher in _started)
            await launcher.DisposeAsync();
        await lab.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected ILauncherLab Lab => lab;

    protected async Task<(LauncherUnderTest Launcher, LauncherReply Hello)> StartAsync()
    {
        var launcher = await lab.StartAsync();
        _started.Add(launcher);
        return (launcher, await launcher.ConnectAsync());
    }

    protected async Task<LauncherUnderTest> RunningAsync(long epoch = 1)
    {
        var (launcher, _) = await StartAsync();
        await launcher.DoAsync(new LaunchDomain(epoch, lab.Vmi, lab.Context));
        await launcher.UntilAsync(o => o.State is DomainState.Running);
        return launcher;
    }
}
