using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>A running machine gets another instance type.</summary>
public sealed class ResizeTests
{
    [Fact]
    public void Both_instance_types_are_read_before_the_change_is_judged()
    {
        var decision = Decide(Resized(null));
        Assert.Equal("LoadSizing", Did(decision));
        Assert.Null(decision.RestartRequired);
    }

    [Fact]
    public void A_bigger_one_is_plugged_into_the_running_guest()
    {
        var decision = Decide(Resized(new UsedInstancetypes(Type(2, "2Gi"), null)));
        Assert.Null(decision.RestartRequired);
        var patch = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(decision.Effects)).Patch;
        Assert.Equal(2, (int?)patch["spec"]!["domain"]!["cpu"]!["sockets"]);
        Assert.Equal("2Gi", (string?)patch["spec"]!["domain"]!["memory"]!["guest"]);
    }

    [Theory]
    [InlineData(8, "1Gi", "CPU sockets updated in template spec to a value higher than what's available")]
    [InlineData(1, "512Mi", "memory updated in template spec to a value lower than what the VM started with")]
    public void One_that_the_guest_cannot_take_waits_for_a_restart(uint cpus, string memory, string reason) =>
        Assert.Equal(reason, Decide(Resized(new UsedInstancetypes(Type(cpus, memory), null))).RestartRequired);

    [Fact]
    public void One_that_is_not_there_waits_for_a_restart()
    {
        var state = Resized(null) with { Sizing = new SizingChange("revision-start-vm-vm-1-1:2", null, null) };
        Assert.Equal(LiveUpdate.NotLiveUpdatable, Decide(state).RestartRequired);
    }

    private static MachineState Resized(UsedInstancetypes? after)
    {
        var bare = Spec() with { Domain = Spec().Domain! with { Cpu = null, Memory = null } };
        var started = new VirtualMachineSpec { RunStrategy = "Always", Instancetype = new InstancetypeMatcher { Name = "small" }, Template = new VirtualMachineInstanceTemplateSpec { Spec = bare } };
        var machine = Vm("Always");
        machine = machine with { Metadata = machine.Metadata with { Generation = 2 }, Spec = started with { Instancetype = new InstancetypeMatcher { Name = "big" } } };
        var running = InstancetypeApplication.Apply(bare, Type(1, "1Gi"), null).Spec;
        running = running with
        {
            Architecture = "amd64",
            Domain = running.Domain! with { Cpu = running.Domain.Cpu! with { MaxSockets = 4 }, Memory = running.Domain.Memory! with { MaxGuest = new Quantity("4Gi") } },
        };
        return State(machine, Instance("Running", spec: running)) with
        {
            Started = new StartedRevision("revision-start-vm-vm-1-1", started),
            Sizing = after is null ? null : new SizingChange("revision-start-vm-vm-1-1:2", new UsedInstancetypes(Type(1, "1Gi"), null), after),
        };
    }

    private static VirtualMachineInstancetypeSpec Type(uint cpus, string memory) =>
        new() { Cpu = new CPUInstancetype { Guest = cpus }, Memory = new MemoryInstancetype { Guest = new Quantity(memory) } };
}
