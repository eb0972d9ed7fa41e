using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class RunStrategyTests
{
    private static readonly VirtualMachineStateChangeRequest Start = new() { Action = "Start" };

    [Theory]
    [InlineData("Always", "StartInstance")]
    [InlineData("RerunOnFailure", "StartInstance")]
    [InlineData("Once", "StartInstance")]
    [InlineData("WaitAsReceiver", "StartInstance")]
    [InlineData("Manual", "")]
    [InlineData("Halted", "")]
    public void A_new_machine_starts_as_its_strategy_says(string strategy, string effects) =>
        Assert.Equal(effects, Did(Decide(State(Vm(strategy)))));

    [Theory]
    [InlineData("Always", "Succeeded", "DeleteInstance")]
    [InlineData("RerunOnFailure", "Succeeded", "DeleteInstance")]
    [InlineData("Manual", "Succeeded", "")]
    [InlineData("Manual", "Failed", "")]
    [InlineData("Once", "Succeeded", "")]
    [InlineData("Once", "Failed", "")]
    [InlineData("Halted", "Succeeded", "DeleteInstance")]
    [InlineData("Halted", "Running", "DeleteInstance")]
    [InlineData("Always", "Running", "")]
    public void What_becomes_of_an_instance_depends_on_strategy_and_phase(string strategy, string phase, string effects) =>
        Assert.Equal(effects, Did(Decide(State(Vm(strategy, s => s with { RunStrategy = strategy }), Instance(phase)))));

    [Fact]
    public void A_guest_that_failed_under_RerunOnFailure_is_asked_to_start_again_before_its_instance_goes()
    {
        var state = State(Vm("RerunOnFailure", s => s with { RunStrategy = "RerunOnFailure" }), Instance("Failed"));
        var first = Decide(state);
        Assert.Equal("", Did(first));
        Assert.Equal("Start", Assert.Single(first.Requests).Action);
        var written = state with { Machine = state.Machine! with { Status = MachineProjection.Status(state, first, Now) } };
        Assert.Equal("DeleteInstance", Did(Decide(written)));
        Assert.Equal("StartInstance", Did(Decide(written with { Instance = null })));
    }

    [Fact]
    public void A_guest_that_shut_itself_down_under_RerunOnFailure_stays_down()
    {
        var machine = Vm("RerunOnFailure", s => s with { RunStrategy = "RerunOnFailure" });
        Assert.Equal("", Did(Decide(State(machine))));
    }

    [Fact]
    public void A_restart_request_stops_the_named_instance_and_starts_the_next()
    {
        VirtualMachineStateChangeRequest[] requests = [new() { Action = "Stop", Uid = "vmi-1" }, Start];
        var machine = Vm("Manual", s => s with { StateChangeRequests = requests });
        var stopping = Decide(State(machine, Instance("Running")));
        Assert.Equal("DeleteInstance", Did(stopping));
        Assert.True(stopping.StopExpected);
        var gone = Decide(State(machine));
        Assert.Equal("StartInstance", Did(gone));
        Assert.Equal("Start", Assert.Single(gone.Requests).Action);
        Assert.Empty(Decide(State(machine, Instance("Pending", "vmi-2"))).Requests);
    }

    [Fact]
    public void A_stop_that_means_an_earlier_instance_is_dropped()
    {
        var machine = Vm("Always", s => s with { StateChangeRequests = [new() { Action = "Stop", Uid = "vmi-0" }] });
        var decision = Decide(State(machine, Instance("Running")));
        Assert.Empty(decision.Requests);
        Assert.Equal("", Did(decision));
    }

    [Fact]
    public void A_paused_start_of_a_halted_machine_makes_it_Always_and_starts_it_paused()
    {
        var request = new VirtualMachineStateChangeRequest { Action = "Start", Data = new Dictionary<string, string> { ["paused"] = "true" } };
        var halted = Decide(State(Vm("Halted", s => s with { StateChangeRequests = [request] })));
        var patch = Assert.IsType<MachineEffect.PatchMachine>(Assert.Single(halted.Effects));
        Assert.Equal("""{"spec":{"runStrategy":"Always"}}""", patch.Patch.ToJsonString());
        var always = Decide(State(Vm("Always", s => s with { StateChangeRequests = [request] })));
        Assert.True(Assert.IsType<MachineEffect.StartInstance>(Assert.Single(always.Effects)).Paused);
    }

    [Theory]
    [InlineData(true, "StartInstance")]
    [InlineData(false, "")]
    public void The_old_running_flag_means_Always_or_Halted(bool running, string effects)
    {
        var machine = Vm("");
        Assert.Equal(effects, Did(Decide(State(machine with { Spec = machine.Spec! with { RunStrategy = null, Running = running } }))));
    }

    [Fact]
    public void Nothing_is_started_before_the_instance_is_known()
    {
        Assert.Null(MachineLifecycle.Decide(new MachineState("vm-1") { Machine = Vm("Always") }, new MachineConfig(), Now, 0));
    }

    [Fact]
    public void An_instance_that_is_being_deleted_is_waited_for()
    {
        Assert.Equal("", Did(Decide(State(Vm("Always"), Instance("Running", deleting: true)))));
    }
}
