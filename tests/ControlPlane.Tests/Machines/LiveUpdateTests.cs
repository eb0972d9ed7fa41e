using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class LiveUpdateTests
{
    [Fact]
    public void More_sockets_are_plugged_into_the_running_guest()
    {
        var outcome = Change(s => Cpu(s, c => c with { Sockets = 3 }));
        Assert.Null(outcome.RestartRequired);
        Assert.Equal(3, outcome.Instance.Domain!.Cpu!.Sockets);
    }

    [Theory]
    [InlineData(5, "CPU sockets updated in template spec to a value higher than what's available")]
    [InlineData(1, "Reduction of CPU socket count requires a restart")]
    public void Sockets_beyond_what_can_be_plugged_need_a_restart(long sockets, string reason)
    {
        var started = Cpu(Spec(), c => c with { Sockets = 2 });
        var outcome = LiveUpdate.Decide(started, Cpu(started, c => c with { Sockets = sockets }), Cpu(started, c => c with { MaxSockets = 4 }), new MachineConfig());
        Assert.Equal(reason, outcome.RestartRequired);
        Assert.Equal(2, outcome.Instance.Domain!.Cpu!.Sockets);
    }

    [Theory]
    [InlineData("2Gi", null)]
    [InlineData("8Gi", "memory updated in template spec to a value higher than what's available")]
    [InlineData("512Mi", "memory updated in template spec to a value lower than what the VM started with")]
    [InlineData("1025Mi", "Guest memory must be 2Mi aligned")]
    public void Memory_grows_up_to_the_maximum(string guest, string? reason)
    {
        var outcome = Change(s => s with { Domain = s.Domain! with { Memory = new Memory { Guest = new Quantity(guest) } } });
        Assert.Equal(reason, outcome.RestartRequired);
        Assert.Equal(reason is null ? guest : "1Gi", outcome.Instance.Domain!.Memory!.Guest!.Value.Text);
        Assert.Equal("4Gi", outcome.Instance.Domain.Memory.MaxGuest!.Value.Text);
    }

    [Fact]
    public void Where_it_may_run_changes_live()
    {
        var outcome = Change(s => s with { NodeSelector = new Dictionary<string, string> { ["zone"] = "a" } });
        Assert.Null(outcome.RestartRequired);
        Assert.Equal("a", outcome.Instance.NodeSelector!["zone"]);
    }

    [Fact]
    public void Hotpluggable_volumes_come_and_go_with_their_disks()
    {
        var hot = new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "c", Hotpluggable = true } };
        var with = Volumes(Spec(), [.. Spec().Volumes!, hot], [.. Spec().Domain!.Devices!.Disks!, new Disk { Name = "data", DiskValue = new DiskTarget { Bus = "scsi" } }]);
        var plugged = LiveUpdate.Decide(Spec(), with, Running(Spec()), new MachineConfig());
        Assert.Null(plugged.RestartRequired);
        Assert.Equal(["root", "data"], plugged.Instance.Volumes!.Select(v => v.Name));
        Assert.Equal(["root", "data"], plugged.Instance.Domain!.Devices!.Disks!.Select(d => d.Name));
        var pulled = LiveUpdate.Decide(with, Spec(), plugged.Instance, new MachineConfig());
        Assert.Null(pulled.RestartRequired);
        Assert.Equal(["root"], pulled.Instance.Volumes!.Select(v => v.Name));
    }

    [Fact]
    public void A_NIC_with_a_bridge_is_plugged_and_marked_absent_live()
    {
        var nic = new Interface { Name = "second", Bridge = new InterfaceBridge() };
        var with = Spec() with
        {
            Networks = [new Network { Name = "second", Multus = new MultusNetwork { NetworkName = "lan" } }],
            Domain = Spec().Domain! with { Devices = Spec().Domain!.Devices! with { Interfaces = [nic] } },
        };
        var plugged = LiveUpdate.Decide(Spec(), with, Running(Spec()), new MachineConfig());
        Assert.Null(plugged.RestartRequired);
        Assert.Equal("second", Assert.Single(plugged.Instance.Domain!.Devices!.Interfaces!).Name);
        var absent = with with { Domain = with.Domain! with { Devices = with.Domain!.Devices! with { Interfaces = [nic with { State = "absent" }] } } };
        var pulled = LiveUpdate.Decide(with, absent, plugged.Instance, new MachineConfig());
        Assert.Null(pulled.RestartRequired);
        Assert.Equal("absent", Assert.Single(pulled.Instance.Domain!.Devices!.Interfaces!).State);
    }

    [Fact]
    public void Other_changes_of_NICs_need_a_restart()
    {
        var lan = new Interface { Name = "lan", Bridge = new InterfaceBridge() };
        var started = Nics(Spec(), new Interface { Name = "default", Masquerade = new InterfaceMasquerade() }, lan);
        Assert.Equal(LiveUpdate.NotLiveUpdatable, To(started, Nics(Spec(), [.. started.Domain!.Devices!.Interfaces!.SkipLast(1)])).RestartRequired);
        Assert.Equal(LiveUpdate.NotLiveUpdatable, To(started, Nics(Spec(), started.Domain.Devices.Interfaces![0], lan with { MacAddress = "02:00:00:00:00:01" })).RestartRequired);
        var nat = To(started, Nics(Spec(), [.. started.Domain.Devices.Interfaces!, new Interface { Name = "nat", Masquerade = new InterfaceMasquerade() }]));
        Assert.Equal((LiveUpdate.NotLiveUpdatable, 2), (nat.RestartRequired, nat.Instance.Domain!.Devices!.Interfaces!.Count));
        // The instance gets it, and with it a reason to move.
        var function = To(started, Nics(Spec(), [.. started.Domain.Devices.Interfaces!, new Interface { Name = "vf", Sriov = new InterfaceSRIOV() }]));
        Assert.Equal((null, 3), (function.RestartRequired, function.Instance.Domain!.Devices!.Interfaces!.Count));

        // Plugged after the start: the revision says nothing of it.
        var plugged = Nics(Spec(), [.. started.Domain.Devices.Interfaces!, lan with { Name = "late" }]);
        Assert.Equal(LiveUpdate.NotLiveUpdatable, LiveUpdate.Decide(started, started, Running(plugged), new MachineConfig()).RestartRequired);
        Assert.Null(LiveUpdate.Decide(started, plugged, Running(plugged), new MachineConfig()).RestartRequired);

        LiveUpdateOutcome To(VirtualMachineInstanceSpec from, VirtualMachineInstanceSpec to) => LiveUpdate.Decide(from, to, Running(from), new MachineConfig());
    }

    [Fact]
    public void What_was_attached_by_default_is_no_NIC_that_the_template_has_lost() =>
        Assert.Null(LiveUpdate.Decide(Spec(), Spec(), Running(Nics(Spec(), new Interface { Name = "default", Masquerade = new InterfaceMasquerade() })), new MachineConfig()).RestartRequired);

    [Fact]
    public void An_absent_NIC_leaves_the_instance_when_its_guest_has_let_go_and_then_the_machine_and_may_be_plugged_again()
    {
        var lan = new Interface { Name = "lan", Bridge = new InterfaceBridge() };
        var (with, absent) = (Nics(Spec(), lan), Nics(Spec(), lan with { State = "absent" }));
        var machine = Vm("Always", template: _ => absent);
        machine = machine with { Metadata = machine.Metadata with { Generation = 2 } };
        var detaching = State(machine, Instance("Running", spec: Running(absent))) with { Started = new StartedRevision("revision-start-vm-vm-1-1", Vm("Always", template: _ => with).Spec!) };
        var shown = detaching with { Instance = detaching.Instance! with { Status = detaching.Instance.Status! with { Interfaces = [new VirtualMachineInstanceNetworkInterface { Name = "lan" }] } } };
        Assert.Empty(Decide(shown).Effects);
        Assert.Equal("""{"spec":{"domain":{"devices":{"interfaces":[]}},"networks":[]}}""", Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Decide(detaching).Effects)).Patch.ToJsonString());

        var gone = detaching with { Instance = Instance("Running", spec: Running(Nics(Spec()))) };
        var patch = Assert.IsType<MachineEffect.PatchMachine>(Decide(gone).Effects.Single(e => e is MachineEffect.PatchMachine)).Patch;
        Assert.Equal("""{"metadata":{"resourceVersion":"10"},"spec":{"template":{"spec":{"domain":{"devices":{"interfaces":[]}},"networks":[]}}}}""", patch.ToJsonString());
        Assert.Equal("PatchMachine", Did(Decide(State(Vm("Halted", template: _ => absent)))));
        // Wanted again too early: it comes when the old one is gone.
        Assert.Equal("absent", Assert.Single(LiveUpdate.Decide(with, with, Running(absent), new MachineConfig()).Instance.Domain!.Devices!.Interfaces!).State);
        Assert.Null(Assert.Single(LiveUpdate.Decide(with, with, Running(Nics(Spec())), new MachineConfig()).Instance.Domain!.Devices!.Interfaces!).State);
    }

    [Fact]
    public void Anything_else_needs_a_restart()
    {
        var outcome = Change(s => s with { Hostname = "other" });
        Assert.Equal(LiveUpdate.NotLiveUpdatable, outcome.RestartRequired);
        Assert.Null(outcome.Instance.Hostname);
        Assert.Equal(LiveUpdate.NotLiveUpdatable, Change(s => Volumes(s, [], [])).RestartRequired);
    }

    [Fact]
    public void Under_Stage_nothing_reaches_the_running_guest()
    {
        var outcome = Change(s => Cpu(s, c => c with { Sockets = 2 }), new MachineConfig(LiveUpdate: false));
        Assert.Equal(LiveUpdate.NotLiveUpdatable, outcome.RestartRequired);
        Assert.Equal(1, outcome.Instance.Domain!.Cpu!.Sockets);
    }

    [Fact]
    public void A_change_is_judged_against_the_revision_that_the_instance_was_started_from()
    {
        var machine = Vm("Always", template: s => Cpu(s, c => c with { Sockets = 2 }));
        machine = machine with { Metadata = machine.Metadata with { Generation = 2 } };
        var state = State(machine, Instance("Running", spec: Running(Spec())));
        Assert.Equal("LoadRevision", Did(Decide(state)));
        var started = state with { Started = new StartedRevision("revision-start-vm-vm-1-1", Vm("Always").Spec!) };
        var patch = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Decide(started).Effects)).Patch;
        Assert.Equal("""{"spec":{"domain":{"cpu":{"sockets":2}}}}""", patch.ToJsonString());
    }

    [Fact]
    public void A_change_outside_of_the_template_only_advances_the_instances_generation()
    {
        var machine = Vm("Always");
        machine = machine with { Metadata = machine.Metadata with { Generation = 5 } };
        var state = State(machine, Instance("Running")) with { Started = new StartedRevision("revision-start-vm-vm-1-1", machine.Spec!) };
        var decision = Decide(state);
        Assert.Null(decision.RestartRequired);
        Assert.Equal("""{"metadata":{"annotations":{"kubevirt.io/vm-generation":"5"}}}""", Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(decision.Effects)).Patch.ToJsonString());
    }

    private static VirtualMachineInstanceSpec Nics(VirtualMachineInstanceSpec spec, params IReadOnlyList<Interface> nics) => spec with
    {
        Networks = [.. nics.Select(n => n.Masquerade is null ? new Network { Name = n.Name, Multus = new MultusNetwork { NetworkName = n.Name } } : new Network { Name = n.Name, Pod = new PodNetwork() })],
        Domain = spec.Domain! with { Devices = spec.Domain.Devices! with { Interfaces = nics } },
    };

    private static LiveUpdateOutcome Change(Func<VirtualMachineInstanceSpec, VirtualMachineInstanceSpec> change, MachineConfig? config = null) =>
        LiveUpdate.Decide(Spec(), change(Spec()), Running(Spec()), config ?? new MachineConfig());

    private static VirtualMachineInstanceSpec Running(VirtualMachineInstanceSpec spec) =>
        Cpu(spec with { Domain = spec.Domain! with { Memory = spec.Domain.Memory! with { MaxGuest = new Quantity("4Gi") } } }, c => c with { MaxSockets = 4 });

    private static VirtualMachineInstanceSpec Cpu(VirtualMachineInstanceSpec spec, Func<CPU, CPU> change) => spec with { Domain = spec.Domain! with { Cpu = change(spec.Domain.Cpu!) } };

    private static VirtualMachineInstanceSpec Volumes(VirtualMachineInstanceSpec spec, IReadOnlyList<Volume> volumes, IReadOnlyList<Disk> disks) =>
        spec with { Volumes = volumes, Domain = spec.Domain! with { Devices = spec.Domain.Devices! with { Disks = disks } } };
}
