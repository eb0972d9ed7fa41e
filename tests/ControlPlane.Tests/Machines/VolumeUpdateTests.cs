using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>Other claims under the volumes of a running machine (`updateVolumesStrategy`).</summary>
public sealed class VolumeUpdateTests
{
    [Fact]
    public void By_migration_the_instance_gets_the_new_claim_and_is_told_where_the_data_is()
    {
        var decision = Decide(State("Migration", "new"));
        Assert.Null(decision.RestartRequired);
        var patch = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(decision.Effects)).Patch;
        Assert.Equal("new", (string?)patch["spec"]!["volumes"]![0]!["persistentVolumeClaim"]!["claimName"]);
        var migrated = patch["status"]!["migratedVolumes"]![0]!;
        Assert.Equal(("root", "old", "new"), ((string?)migrated["volumeName"], (string?)migrated["sourcePVCInfo"]!["claimName"], (string?)migrated["destinationPVCInfo"]!["claimName"]));
    }

    [Theory]
    [InlineData("Replacement")]
    [InlineData(null)]
    public void By_replacement_it_waits_for_a_restart(string? strategy)
    {
        var decision = Decide(State(strategy, "new"));
        Assert.Equal("the volumes replacement is effective only after restart", decision.RestartRequired);
        Assert.Empty(decision.Effects);
    }

    [Theory]
    [InlineData("shareable", "invalid volumes to update with migration: shareable: [root]")]
    [InlineData("lun", "invalid volumes to update with migration: luns: [root]")]
    [InlineData("filesystem", "invalid volumes to update with migration: filesystems: [root]")]
    [InlineData("other", "cannot migrate the VM. The volume data is RWO and not included in the migration volumes")]
    [InlineData("unmovable", "cannot migrate the volumes as the VMI isn't migratable: HostDeviceNotLiveMigratable: a device")]
    public void What_cannot_be_copied_waits_for_a_restart_and_says_why(string kind, string reason)
    {
        var state = State("Migration", "new", (spec, status) => kind switch
        {
            "shareable" => (WithDisk(spec, d => d with { Shareable = true }), status),
            "lun" => (WithDisk(spec, d => d with { DiskValue = null, Lun = new LunTarget { Bus = "scsi" } }), status),
            "filesystem" => (spec with { Domain = spec.Domain! with { Devices = new Devices { Filesystems = [new Filesystem { Name = "root" }] } } }, status),
            "other" => (spec, status with { VolumeStatus = [.. status.VolumeStatus!, Shown("data", "data")] }),
            _ => (spec, status with { Conditions = [new VirtualMachineInstanceCondition { Type = "StorageLiveMigratable", Status = "False", Message = "HostDeviceNotLiveMigratable: a device" }] }),
        });
        Assert.Equal(reason, Decide(state).RestartRequired);
        Assert.Empty(Decide(state).Effects);
    }

    [Fact]
    public void While_volumes_move_the_machine_shows_it_and_afterwards_no_restart_is_needed()
    {
        var moving = Moving("new");
        Assert.Equal("root", Status(moving).VolumeUpdateState!.VolumeMigrationState!.MigratedVolumes!.Single().VolumeName);
        var arrived = moving with { Instance = moving.Instance! with { Status = moving.Instance.Status! with { MigratedVolumes = null, Conditions = null, VolumeStatus = [Shown("root", "new")] } } };
        Assert.Null(Status(arrived).VolumeUpdateState);
        var decision = Decide(arrived);
        Assert.Null(decision.RestartRequired);
        // Only that the instance is what the template says now.
        Assert.Equal("2", (string?)Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(decision.Effects)).Patch["metadata"]!["annotations"]!["kubevirt.io/vm-generation"]);
    }

    [Fact]
    public void The_old_claim_put_back_goes_to_the_instance_at_once_and_a_third_one_is_refused()
    {
        var back = Decide(Moving("old"));
        Assert.Equal("old", (string?)Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(back.Effects)).Patch["spec"]!["volumes"]![0]!["persistentVolumeClaim"]!["claimName"]);
        var third = Decide(Moving("third"));
        Assert.Equal(("VolumesUpdateError", "The volume can only be reverted to the previous version during the update"), (third.Failure?.Reason, third.Failure?.Message));
        Assert.Empty(third.Effects);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_guest_that_ends_in_the_middle_leaves_the_machine_to_its_owner(bool seenFinal)
    {
        var moving = Moving("new");
        var shown = moving.Machine! with { Status = Status(moving) };
        var ended = moving with { Machine = shown, Instance = seenFinal ? moving.Instance! with { Status = moving.Instance.Status! with { Phase = "Failed" } } : null };
        var status = Status(ended);
        Assert.Equal("True", status.Conditions!.Single(c => c.Type == "ManualRecoveryRequired").Status);
        Assert.NotNull(status.VolumeUpdateState);
        Assert.DoesNotContain(Decide(ended with { Instance = null }).Effects, e => e is MachineEffect.StartInstance);

        var reverted = ended with { Instance = null, Machine = Machine("Migration", "old") with { Status = status } };
        Assert.DoesNotContain(Status(reverted).Conditions!, c => c.Type == "ManualRecoveryRequired");
        Assert.Null(Status(reverted).VolumeUpdateState);
        Assert.Contains(Decide(reverted).Effects, e => e is MachineEffect.StartInstance);
    }

    [Fact]
    public void An_instance_that_ended_in_the_middle_stays_until_the_machine_says_so()
    {
        var moving = Moving("new");
        var ended = moving with { Instance = moving.Instance! with { Status = moving.Instance.Status! with { Phase = "Failed" } } };
        Assert.DoesNotContain(Decide(ended).Effects, e => e is MachineEffect.DeleteInstance);
        var status = Status(ended);
        Assert.Contains(Decide(ended with { Machine = ended.Machine! with { Status = status } }).Effects, e => e is MachineEffect.DeleteInstance);
    }

    private static VirtualMachineStatus Status(MachineState state) => MachineProjection.Status(state, Decide(state), Now);

    /// <summary>The data is on its way from the claim `old` to `new`, and the template says this.</summary>
    private static MachineState Moving(string template) => State("Migration", template, (spec, status) => (spec with { Volumes = [Root("new")] }, status with
    {
        Conditions = [new VirtualMachineInstanceCondition { Type = "VolumesChange", Status = "True" }],
        MigratedVolumes = [new StorageMigratedVolumeInfo { VolumeName = "root", SourcePVCInfo = new PersistentVolumeClaimInfo { ClaimName = "old" }, DestinationPVCInfo = new PersistentVolumeClaimInfo { ClaimName = "new" } }],
    }));

    private static MachineState State(string? strategy, string claim, Func<VirtualMachineInstanceSpec, VirtualMachineInstanceStatus, (VirtualMachineInstanceSpec, VirtualMachineInstanceStatus)>? change = null)
    {
        var (spec, status) = (change ?? ((s, t) => (s, t)))(On("old"), Instance("Running").Status! with { VolumeStatus = [Shown("root", "old")] });
        var machine = Machine(strategy, claim, spec);
        return MachineSamples.State(machine, Instance("Running", spec: spec) with { Status = status }) with
        {
            Started = new StartedRevision("revision-start-vm-vm-1-1", Machine(strategy, "old", spec).Spec!),
        };
    }

    /// <param name="others">Where all but the claim is taken from.</param>
    private static VirtualMachine Machine(string? strategy, string claim, VirtualMachineInstanceSpec? others = null)
    {
        var machine = Vm("Always");
        return machine with
        {
            Metadata = machine.Metadata with { Generation = 2 },
            Spec = machine.Spec! with { UpdateVolumesStrategy = strategy, Template = new VirtualMachineInstanceTemplateSpec { Spec = (others ?? On("old")) with { Volumes = [Root(claim)] } } },
        };
    }

    private static VirtualMachineInstanceSpec On(string claim) => Spec() with { Volumes = [Root(claim)] };

    private static Volume Root(string claim) => new() { Name = "root", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = claim } };

    private static VolumeStatus Shown(string volume, string claim) =>
        new() { Name = volume, Target = "vda", PersistentVolumeClaimInfo = new PersistentVolumeClaimInfo { ClaimName = claim, AccessModes = ["ReadWriteOnce"] } };

    private static VirtualMachineInstanceSpec WithDisk(VirtualMachineInstanceSpec spec, Func<Disk, Disk> change) =>
        spec with { Domain = spec.Domain! with { Devices = spec.Domain.Devices! with { Disks = [.. spec.Domain.Devices.Disks!.Select(change)] } } };
}
