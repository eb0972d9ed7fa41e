using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Machines.Instancetypes;

public sealed class InstancetypeApplicationTests
{
    private static readonly VirtualMachineInstancetypeSpec Type = new()
    {
        Cpu = new CPUInstancetype { Guest = 8 },
        Memory = new MemoryInstancetype { Guest = new Quantity("4Gi") },
    };

    [Theory]
    [InlineData(null, null, null, 8, 1, 1)]
    [InlineData("sockets", null, null, 8, 1, 1)]
    [InlineData("any", null, null, 8, 1, 1)]
    [InlineData("preferCores", null, null, 1, 8, 1)]
    [InlineData("cores", null, null, 1, 8, 1)]
    [InlineData("threads", null, null, 1, 1, 8)]
    [InlineData("spread", null, null, 4, 2, 1)]
    [InlineData("spread", "SocketsCores", 4L, 2, 4, 1)]
    [InlineData("spread", "SocketsCoresThreads", 2L, 2, 2, 2)]
    [InlineData("spread", "CoresThreads", 2L, 1, 4, 2)]
    public void The_preference_lays_out_the_vCPUs(string? topology, string? across, long? ratio, long sockets, long cores, long threads)
    {
        var preference = new VirtualMachinePreferenceSpec
        {
            Cpu = new CPUPreferences { PreferredCPUTopology = topology, SpreadOptions = across is null ? null : new SpreadOptions { Across = across, Ratio = ratio } },
        };
        var cpu = InstancetypeApplication.Apply(new VirtualMachineInstanceSpec(), Type, preference).Spec.Domain!.Cpu!;
        Assert.Equal((sockets, cores, threads), (cpu.Sockets, cpu.Cores, cpu.Threads));
    }

    [Fact]
    public void What_both_set_is_a_conflict_and_nothing_is_applied()
    {
        var spec = new VirtualMachineInstanceSpec
        {
            Domain = new DomainSpec
            {
                Cpu = new CPU { Sockets = 1, Cores = 2 },
                Memory = new Memory { Guest = new Quantity("1Gi") },
                Resources = new ResourceRequirements { Requests = new Dictionary<string, Quantity> { ["memory"] = new("1Gi"), ["cpu"] = new("1") } },
            },
        };
        var (unchanged, conflicts) = InstancetypeApplication.Apply(spec, Type, null);
        Assert.Equal(["domain.resources.requests.cpu", "domain.cpu.sockets", "domain.cpu.cores", "domain.memory.guest"], conflicts);
        Assert.Same(spec, unchanged);
        Assert.Equal("VM field(s) spec.template.spec.domain.cpu.sockets conflicts with selected instance type", InstancetypeConflicts.Message("spec.template.spec.domain.cpu.sockets"));
    }

    [Fact]
    public void Overcommitted_memory_lowers_the_request_alone()
    {
        var type = Type with { Memory = new MemoryInstancetype { Guest = new Quantity("4Gi"), OvercommitPercent = 25 } };
        var domain = InstancetypeApplication.Apply(new VirtualMachineInstanceSpec(), type, null).Spec.Domain!;
        Assert.Equal("4Gi", domain.Memory!.Guest!.Value.Text);
        Assert.Equal(3L << 30, domain.Resources!.Requests!["memory"].Units);
    }

    [Theory]
    [InlineData("1Gi", 2, 1052267008)]
    [InlineData("1Gi", 1, 1063004416)]
    [InlineData("4Gi", 25, 3L << 30)]
    public void The_request_is_what_KubeVirts_arithmetic_makes_of_it(string guest, int percent, long request)
    {
        var type = Type with { Memory = new MemoryInstancetype { Guest = new Quantity(guest), OvercommitPercent = percent } };
        Assert.Equal(request, InstancetypeApplication.Apply(new VirtualMachineInstanceSpec(), type, null).Spec.Domain!.Resources!.Requests!["memory"].Units);
    }

    [Fact]
    public void Firmware_is_preferred_as_bios_then_as_described_then_as_efi_and_gaps_of_the_machines_own_are_filled()
    {
        var preference = new FirmwarePreferences { PreferredUseBios = true, PreferredEfi = new EFI { Persistent = true }, PreferredUseBiosSerial = true, PreferredUseSecureBoot = false };
        Assert.Equal(new Bootloader { Bios = new BIOS { UseSerial = true } }, Loader(null, preference));
        Assert.Equal(new Bootloader { Efi = new EFI { Persistent = true } }, Loader(null, preference with { PreferredUseBios = false }));
        Assert.Equal(new Bootloader { Efi = new EFI { SecureBoot = false } }, Loader(null, preference with { PreferredUseBios = false, PreferredEfi = null, PreferredUseEfi = true }));
        Assert.Equal(new Bootloader { Efi = new EFI { SecureBoot = false } }, Loader(new Bootloader { Efi = new EFI() }, preference));
        Assert.Equal(new Bootloader { Efi = new EFI { SecureBoot = true } }, Loader(new Bootloader { Efi = new EFI { SecureBoot = true } }, preference));
        Assert.Null(Loader(null, new FirmwarePreferences { PreferredUseBios = false }));

        static Bootloader? Loader(Bootloader? own, FirmwarePreferences preference) => InstancetypeApplication.Apply(
            new VirtualMachineInstanceSpec { Domain = new DomainSpec { Firmware = own is null ? null : new Firmware { Bootloader = own } } }, null, new VirtualMachinePreferenceSpec { Firmware = preference }).Spec.Domain?.Firmware?.Bootloader;
    }

    [Fact]
    public void One_vCPU_is_not_spread() =>
        Assert.Equal((1L, 1L, 1L), InstancetypeApplication.Apply(new VirtualMachineInstanceSpec(), Type with { Cpu = new CPUInstancetype { Guest = 1 } },
            new VirtualMachinePreferenceSpec { Cpu = new CPUPreferences { PreferredCPUTopology = "spread" } }).Spec.Domain!.Cpu is var cpu ? (cpu!.Sockets!.Value, cpu.Cores!.Value, cpu.Threads!.Value) : default);

    [Fact]
    public void A_preference_fills_gaps_and_overrides_nothing()
    {
        var spec = new VirtualMachineInstanceSpec
        {
            TerminationGracePeriodSeconds = 5,
            Domain = new DomainSpec
            {
                Devices = new Devices
                {
                    Disks = [new Disk { Name = "a", DiskValue = new DiskTarget() }, new Disk { Name = "b", DiskValue = new DiskTarget { Bus = "sata" } }, new Disk { Name = "c", Cdrom = new CDRomTarget() }, new Disk { Name = "d" }],
                    Interfaces = [new Interface { Name = "x" }, new Interface { Name = "y", Model = "e1000", Bridge = new InterfaceBridge() }],
                },
                Clock = new Clock { Timer = new Messages.Api.KubeVirt.Timer { Hpet = new HPETTimer { Present = true } } },
                Firmware = new Firmware { Bootloader = new Bootloader { Bios = new BIOS() } },
            },
        };
        var preference = new VirtualMachinePreferenceSpec
        {
            PreferredTerminationGracePeriodSeconds = 3600,
            PreferredSubdomain = "sub",
            Devices = new DevicePreferences { PreferredDiskBus = "virtio", PreferredCdromBus = "scsi", PreferredDiskDedicatedIoThread = true, PreferredInterfaceModel = "virtio", PreferredInterfaceMasquerade = new InterfaceMasquerade(), PreferredRng = new Rng() },
            Clock = new ClockPreferences { PreferredTimer = new Messages.Api.KubeVirt.Timer { Hpet = new HPETTimer { Present = false }, Pit = new PITTimer { TickPolicy = "delay" } } },
            Firmware = new FirmwarePreferences { PreferredEfi = new EFI { SecureBoot = true } },
        };
        var applied = InstancetypeApplication.Apply(spec, null, preference).Spec;
        var devices = applied.Domain!.Devices!;
        Assert.Equal((5, "sub"), (applied.TerminationGracePeriodSeconds, applied.Subdomain));
        Assert.Equal(["virtio", "sata", null, "virtio"], devices.Disks!.Select(d => d.DiskValue?.Bus));
        Assert.Equal("scsi", devices.Disks![2].Cdrom!.Bus);
        Assert.Equal([true, null, null, true], devices.Disks.Select(d => d.DedicatedIOThread));
        Assert.Equal(["virtio", "e1000"], devices.Interfaces!.Select(i => i.Model));
        Assert.NotNull(devices.Interfaces![0].Masquerade);
        Assert.Null(devices.Interfaces[1].Masquerade);
        Assert.NotNull(devices.Rng);
        Assert.True(applied.Domain.Clock!.Timer!.Hpet!.Present);
        Assert.Equal("delay", applied.Domain.Clock.Timer.Pit!.TickPolicy);
        Assert.Null(applied.Domain.Firmware!.Bootloader!.Efi);
    }

    [Fact]
    public void Expansion_leaves_no_reference()
    {
        var machine = MachineSamples.Vm("Always", template: _ => new VirtualMachineInstanceSpec { Domain = new DomainSpec { Devices = new Devices() } });
        machine = machine with { Spec = machine.Spec! with { Instancetype = new InstancetypeMatcher { Name = "big" }, Preference = new PreferenceMatcher { Name = "linux" } } };
        var type = Type with { Annotations = new Dictionary<string, string> { ["a"] = "type" } };
        var (expanded, conflicts) = InstancetypeApplication.Expand(machine, type, new VirtualMachinePreferenceSpec { Annotations = new Dictionary<string, string> { ["a"] = "preference", ["b"] = "preference" } });
        Assert.Empty(conflicts);
        Assert.Null(expanded.Spec!.Instancetype);
        Assert.Null(expanded.Spec.Preference);
        Assert.Equal(8, expanded.Spec.Template!.Spec!.Domain!.Cpu!.Sockets);
        Assert.Equal(("type", "preference"), (expanded.Spec.Template.Metadata!.Annotations!["a"], expanded.Spec.Template.Metadata.Annotations["b"]));
    }

    [Theory]
    [InlineData(9, "1Gi", "instancetype", "insufficient CPU resources of 8 vCPU provided by instance type, preference requires 9 vCPU")]
    [InlineData(2, "8Gi", "instancetype", "insufficient Memory resources of 4Gi provided by instance type, preference requires 8Gi")]
    [InlineData(2, "4Gi", null, null)]
    public void An_instance_type_must_meet_the_preferences_requirements(long cpus, string memory, string? path, string? message)
    {
        var preference = new VirtualMachinePreferenceSpec { Requirements = new PreferenceRequirements { Cpu = new CPUPreferenceRequirement { Guest = cpus }, Memory = new MemoryPreferenceRequirement { Guest = new Quantity(memory) } } };
        var problem = PreferenceRequirementsCheck.Problem(new VirtualMachineInstanceSpec(), Type, preference);
        Assert.Equal((path, message), (problem?.Path, problem?.Message));
    }

    [Fact]
    public void A_machine_of_its_own_size_must_meet_them_in_the_preferred_topology()
    {
        var preference = new VirtualMachinePreferenceSpec { Cpu = new CPUPreferences { PreferredCPUTopology = "cores" }, Requirements = new PreferenceRequirements { Cpu = new CPUPreferenceRequirement { Guest = 4 } } };
        var spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Cpu = new CPU { Sockets = 4, Cores = 2 } } };
        Assert.Equal(("template.spec.domain.cpu.cores", "insufficient CPU resources of 2 vCPU provided by VirtualMachine, preference requires 4 vCPU provided as cores"), PreferenceRequirementsCheck.Problem(spec, null, preference));
    }

    [Theory]
    [InlineData("any", null, 4, "cores, sockets and threads", "template.spec.domain.cpu.cores, spec.template.spec.domain.cpu.sockets, spec.template.spec.domain.cpu.threads")]
    [InlineData("spread", null, 4, "SocketsCores", "template.spec.domain.cpu.sockets, spec.template.spec.domain.cpu.cores")]
    [InlineData("spread", "CoresThreads", 2, "CoresThreads", "template.spec.domain.cpu.cores, spec.template.spec.domain.cpu.threads")]
    public void What_is_spread_is_too_small_as_a_whole(string topology, string? across, long given, string provided, string path)
    {
        var preference = new VirtualMachinePreferenceSpec
        {
            Cpu = new CPUPreferences { PreferredCPUTopology = topology, SpreadOptions = new SpreadOptions { Across = across } },
            Requirements = new PreferenceRequirements { Cpu = new CPUPreferenceRequirement { Guest = 5 } },
        };
        var spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Cpu = new CPU { Sockets = 2, Cores = 2, Threads = 1 } } };
        Assert.Equal((path, $"insufficient CPU resources of {given} vCPU provided by VirtualMachine, preference requires 5 vCPU provided as {provided}"), PreferenceRequirementsCheck.Problem(spec, null, preference));
    }

    [Fact]
    public void A_revision_gives_back_what_it_was_made_of()
    {
        var used = new VirtualMachineClusterInstancetype { Metadata = new ObjectMeta { Name = "big", Uid = "u", Generation = 3, ResourceVersion = "7" }, Spec = Type };
        var revision = InstancetypeRevisions.Make(MachineSamples.Vm("Always"), used, "VirtualMachineClusterInstancetype");
        Assert.Equal("web-big-u-3", revision.Metadata.Name);
        Assert.Equal("VirtualMachineClusterInstancetype", revision.Metadata.Labels!["instancetype.kubevirt.io/object-kind"]);
        Assert.Equal(8, InstancetypeRevisions.Instancetype(revision)!.Cpu!.Guest);
    }

    [Fact]
    public void The_first_format_of_revisions_is_still_read()
    {
        var spec = Convert.ToBase64String("""{"cpu":{"guest":2},"memory":{"guest":"128Mi"}}"""u8);
        var old = new ControllerRevision { Data = System.Text.Json.JsonSerializer.SerializeToElement(new { apiVersion = "instancetype.kubevirt.io/v1alpha1", spec }) };
        Assert.Equal(2, InstancetypeRevisions.Instancetype(old)!.Cpu!.Guest);
    }
}
