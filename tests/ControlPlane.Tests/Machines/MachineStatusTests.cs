using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class MachineStatusTests
{
    [Theory]
    [InlineData(null, false, null)]
    [InlineData(null, true, "Manual")]
    [InlineData("Always", false, "Manual")]
    public void The_strategy_that_was_acted_on_is_told_from_the_first_instance_on(string? known, bool hasInstance, string? told) =>
        Assert.Equal(told, Status(State(Vm("Manual", s => s with { RunStrategy = known }), hasInstance ? Instance("Running") : null)).RunStrategy);

    [Fact]
    public void A_start_that_still_waits_is_not_taken_for_done()
    {
        var state = State(Vm("RerunOnFailure", s => s with { RunStrategy = "Halted" }));
        Assert.True(Decide(state).StartExpected);
        Assert.Equal("Halted", Status(state).RunStrategy);
    }

    [Fact]
    public void A_stop_that_names_no_instance_stops_none_and_is_dropped()
    {
        var state = State(Vm("Manual", s => s with { StateChangeRequests = [new VirtualMachineStateChangeRequest { Action = "Stop" }] }), Instance("Running"));
        Assert.False(Decide(state).StopExpected);
        Assert.Null(Status(state).StateChangeRequests);
    }

    [Fact]
    public void A_guest_of_which_nothing_is_known_is_not_called_stopped()
    {
        Assert.Equal("Unknown", Word(State(Vm("Always"), Instance("Unknown"))));
        Assert.Equal("Stopped", Word(State(Vm("Manual"), Instance("Succeeded"))));
    }

    [Fact]
    public void The_instances_conditions_are_the_machines_with_their_own_times()
    {
        var since = Now.AddHours(-1);
        var instance = Instance("Scheduling", ran: false);
        VirtualMachineInstanceCondition Says(string type, string? reason) => new() { Type = type, Status = "False", Reason = reason, LastTransitionTime = since };
        instance = instance with { Status = instance.Status! with { Conditions = [Says("PodScheduled", "Unschedulable"), Says("Synchronized", "FailedCreate"), Says("Ready", "PodNotExists")] } };
        var conditions = Status(State(Vm("Always"), instance)).Conditions!;
        Assert.Equal(["Ready", "PodScheduled", "Synchronized"], conditions.Select(c => c.Type));
        Assert.Equal((since, "Unschedulable"), (conditions[1].LastTransitionTime, conditions[1].Reason));
        // Its own Ready condition is as old as the machine's has been so.
        Assert.Equal(Now, conditions[0].LastTransitionTime);
    }

    [Fact]
    public void Whether_deschedulers_should_move_it_reaches_a_running_instance()
    {
        var machine = Vm("Always");
        machine = machine with
        {
            Metadata = machine.Metadata with { Generation = 2 },
            Spec = machine.Spec! with { Template = machine.Spec.Template! with { Metadata = new ObjectMeta { Annotations = new Dictionary<string, string> { [Annotations.Evict] = "true" } } } },
        };
        var state = State(machine, Instance("Running")) with { Started = new StartedRevision("revision-start-vm-vm-1-1", Vm("Always").Spec!) };
        var patch = Assert.Single(Decide(state).Effects.OfType<MachineEffect.PatchInstance>()).Patch;
        Assert.Equal($$"""{"{{Annotations.Evict}}":"true","kubevirt.io/vm-generation":"2"}""", patch["metadata"]!["annotations"]!.ToJsonString());
    }

    private static VirtualMachineStatus Status(MachineState state) => MachineProjection.Status(state, Decide(state), Now);
}
