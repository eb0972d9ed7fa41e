using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class DeletionTests
{
    [Fact]
    public void The_instance_goes_first_and_the_finalizer_last()
    {
        var machine = Deleted(Vm("Always"));
        Assert.Equal("DeleteInstance", Did(Decide(State(machine, Instance("Running")))));
        Assert.Equal("", Did(Decide(State(machine, Instance("Running", deleting: true)))));
        var patch = Assert.IsType<MachineEffect.PatchMachine>(Assert.Single(Decide(State(machine)).Effects));
        Assert.Equal("""{"metadata":{"finalizers":[],"resourceVersion":"10"}}""", patch.Patch.ToJsonString());
    }

    [Fact]
    public void An_ended_instance_is_let_go_once_it_was_seen()
    {
        var effects = Decide(State(Vm("Always"), Instance("Succeeded", deleting: true))).Effects;
        Assert.Equal("""{"metadata":{"finalizers":[],"resourceVersion":"20"}}""", Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(effects)).Patch.ToJsonString());
    }

    [Fact]
    public void Orphans_are_left_running()
    {
        var machine = Deleted(Vm("Always"));
        machine = machine with { Metadata = machine.Metadata with { Finalizers = [.. machine.Metadata.Finalizers!, "orphan"] } };
        Assert.Equal("PatchMachine", Did(Decide(State(machine, Instance("Running")))));
    }

    [Fact]
    public void A_machine_gets_its_finalizer_at_once()
    {
        var machine = Vm("Halted");
        var patch = Assert.IsType<MachineEffect.PatchMachine>(Assert.Single(Decide(State(machine with { Metadata = machine.Metadata with { Finalizers = null } })).Effects));
        Assert.Equal("""{"metadata":{"finalizers":["kubevirt.io/virtualMachineControllerFinalize"],"resourceVersion":"10"}}""", patch.Patch.ToJsonString());
    }

    [Fact]
    public void A_machine_that_is_gone_ends_its_actor() => Assert.Equal("Retire", Did(Decide(State(Vm("Always")) with { Gone = true })));

    private static VirtualMachine Deleted(VirtualMachine machine) => machine with { Metadata = machine.Metadata with { DeletionTimestamp = Now } };
}
