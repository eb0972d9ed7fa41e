using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

[Trait("Category", "Real")]
public sealed class StartTimeoutTests
{
    [Fact]
    public async Task A_guest_that_libvirt_refuses_may_be_tried_again_until_the_launcher_gives_up_and_says_why()
    {
        var vmi = RunningGuest.Manifest(d => d with { Machine = new Machine { Type = "nonesuch" } });
        await using var sandbox = await LauncherSandbox.StartAsync("--qemu-timeout", "8s");
        using var deadline = new CancellationTokenSource(RunningGuest.Patience);
        var givenUp = new TaskCompletionSource<DomainObservation>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var launcher = await sandbox.ConnectAsync(o =>
        {
            if (o is { State: DomainState.NoDomain, Reason: DomainReason.Failed })
                givenUp.TrySetResult(o);
        }, () => { }, deadline.Token);
        await launcher.AskAsync(new LauncherHello("test", LauncherProtocol.Version), deadline.Token);
        var launch = new LaunchDomain(1, vmi, new LaunchContext(UseEmulation: true, [RunningGuest.Nic("default", "tap0", "02:00:00:00:00:10", "10.0.2.2/24")]));
        foreach (var reply in new[] { await launcher.AskAsync(launch, deadline.Token), await launcher.AskAsync(launch, deadline.Token) })
        {
            Assert.Equal(LauncherError.LibvirtFailed, reply.Error);
            Assert.StartsWith("starting the domain: ", reply.Message);
        }

        var last = await givenUp.Task.WaitAsync(deadline.Token);
        Assert.StartsWith("the guest did not start within 8 s: starting the domain: ", last.Message);
        await sandbox.Ended.WaitAsync(deadline.Token);
        Assert.Equal(1, sandbox.ExitCode);
    }
}
