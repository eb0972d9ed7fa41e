using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class DomainStepsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly RunDomain Run = new("node-1", "uid", 3, "pod", [], new VirtualMachineInstance());

    [Fact]
    public void A_smaller_epoch_than_the_one_seen_is_refused()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid"), Run)!;
        Assert.Null(DomainSteps.Command(state, Run with { Epoch = 2 }));
        Assert.Null(DomainSteps.Command(state, new StopDomain("node-1", "uid", 2, Now)));
        Assert.NotNull(DomainSteps.Command(state, new StopDomain("node-1", "uid", 3, Now)));
    }

    [Fact]
    public void A_guest_is_started_by_connecting_preparing_the_network_and_launching_in_that_order()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid"), Run)!;
        Assert.Equal("pod", Assert.IsType<DomainStep.Connect>(DomainSteps.Next(state, Now)).PodUid);
        state = state with { Connected = true };
        Assert.IsType<DomainStep.PrepareNetwork>(DomainSteps.Next(state, Now));
        state = state with { Context = new LaunchContext(true, []) };
        Assert.Equal(3, Assert.IsType<LaunchDomain>(Assert.IsType<DomainStep.Ask>(DomainSteps.Next(state, Now)).Request).Epoch);
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state with { Launched = true }, Now));
    }

    [Fact]
    public void A_guest_that_runs_already_is_taken_over_and_not_started_again()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid"), Run)! with { Connected = true, Observation = new DomainObservation { State = DomainState.Running } };
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state, Now));
    }

    [Fact]
    public void Stopping_presses_the_button_until_the_deadline_and_then_destroys()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid"), new StopDomain("node-1", "uid", 1, Now + TimeSpan.FromSeconds(30)))!
            with
        { Connected = true, Observation = new DomainObservation { State = DomainState.Running } };
        Assert.IsType<DomainStep.Shutdown>(DomainSteps.Next(state, Now));
        Assert.IsType<DestroyDomain>(Assert.IsType<DomainStep.Ask>(DomainSteps.Next(state, Now + TimeSpan.FromSeconds(30))).Request);
        Assert.IsType<DomainStep.Wait>(DomainSteps.Next(state with { Observation = new DomainObservation { State = DomainState.Shutoff } }, Now));
    }

    [Fact]
    public void Releasing_ends_the_launcher_and_a_lost_launcher_is_simply_forgotten()
    {
        var state = DomainSteps.Command(new DomainKnowledge("uid") { PodUid = "pod" }, new ReleaseDomain("node-1", "uid", 1))!;
        Assert.IsType<QuitLauncher>(Assert.IsType<DomainStep.Ask>(DomainSteps.Next(state with { Connected = true }, Now)).Request);
        Assert.IsType<DomainStep.Forget>(DomainSteps.Next(state with { Presence = LauncherPresence.Lost }, Now));
    }

    [Fact]
    public void The_masquerade_lets_in_all_traffic_or_only_the_named_ports()
    {
        var all = MasqueradeScript.Of(new Interface { Name = "default" }, new PodNetwork(), "eth0", 1450);
        Assert.Contains("iifname \"eth0\" dnat to 10.0.2.2", all.Text);
        Assert.Contains("mtu 1450", all.Text);
        var some = MasqueradeScript.Of(new Interface { Name = "default", Ports = [new Port { PortValue = 80 }, new Port { PortValue = 53, Protocol = "UDP" }] }, new PodNetwork { VmNetworkCIDR = "192.168.7.0/28" }, "eth0", 1500);
        Assert.Contains("tcp dport 80 dnat to 192.168.7.2", some.Text);
        Assert.Contains("udp dport 53 dnat to 192.168.7.2", some.Text);
        Assert.Throws<FormatException>(() => MasqueradeScript.Of(new Interface(), new PodNetwork { VmNetworkCIDR = "10.0.2.0/31" }, "eth0", 1500));
    }
}
