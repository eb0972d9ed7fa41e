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
        Assert.Equal("LookWhoOwnsInstance", Did(Decide(State(machine, Owned("Running")))));
        Assert.Equal("DeleteInstance", Did(Decide(State(machine, Owned("Running")) with { OwnerSeen = "vmi-1" })));
        Assert.Equal("", Did(Decide(State(machine, Instance("Running", deleting: true)))));
        var patch = Assert.IsType<MachineEffect.PatchMachine>(Assert.Single(Decide(State(machine)).Effects));
        Assert.Equal("""{"metadata":{"finalizers":[],"resourceVersion":"10"}}""", patch.Patch.ToJsonString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_instance_that_was_taken_from_its_machine_is_let_go_and_left_running(bool finalizerSeen)
    {
        var machine = Deleted(Vm("Always"));
        if (finalizerSeen)
            machine = machine with { Metadata = machine.Metadata with { Finalizers = [.. machine.Metadata.Finalizers!, "orphan"] } };
        var instance = finalizerSeen ? Owned("Running") : Instance("Running");
        var patch = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Decide(State(machine, instance) with { OwnerSeen = "vmi-1" }).Effects));
        Assert.Equal("""{"metadata":{"finalizers":[],"resourceVersion":"20"}}""", patch.Patch.ToJsonString());
        var free = instance with { Metadata = instance.Metadata with { Finalizers = [] } };
        Assert.Equal("PatchMachine", Did(Decide(State(machine, free) with { OwnerSeen = "vmi-1" })));
    }

    [Fact]
    public void An_ended_instance_is_let_go_once_it_was_seen()
    {
        var effects = Decide(State(Vm("Always"), Instance("Succeeded", deleting: true))).Effects;
        Assert.Equal("""{"metadata":{"finalizers":[],"resourceVersion":"20"}}""", Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(effects)).Patch.ToJsonString());
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

    private static VirtualMachineInstance Owned(string phase)
    {
        var instance = Instance(phase);
        return instance with { Metadata = instance.Metadata with { OwnerReferences = [InstanceBuilder.Owner(Vm("Always"))] } };
    }

    private static VirtualMachine Deleted(VirtualMachine machine) => machine with { Metadata = machine.Metadata with { DeletionTimestamp = Now } };
}
