using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class PrintableStatusTests
{
    [Theory]
    [InlineData("Halted", null, "Stopped")]
    [InlineData("Manual", null, "Stopped")]
    [InlineData("Always", null, "Starting")]
    [InlineData("Always", "Pending", "Starting")]
    [InlineData("Always", "Scheduling", "Starting")]
    [InlineData("Always", "Scheduled", "Starting")]
    [InlineData("Always", "Running", "Running")]
    [InlineData("Halted", "Running", "Stopping")]
    [InlineData("Manual", "Succeeded", "Stopped")]
    [InlineData("WaitAsReceiver", "WaitingForSync", "WaitingForReceiver")]
    public void Strategy_and_phase_give_the_word(string strategy, string? phase, string word) =>
        Assert.Equal(word, Word(State(Vm(strategy), phase is null ? null : Instance(phase))));

    [Theory]
    [InlineData("Running", "Paused", "True", null, "Paused")]
    [InlineData("Scheduling", "PodScheduled", "False", "Unschedulable", "ErrorUnschedulable")]
    [InlineData("Scheduling", "Synchronized", "False", "ErrImagePull", "ErrImagePull")]
    [InlineData("Scheduling", "Synchronized", "False", "ImagePullBackOff", "ImagePullBackOff")]
    [InlineData("Pending", "Synchronized", "False", "FailedPvcNotFound", "ErrorPvcNotFound")]
    public void Conditions_of_the_instance_give_the_word(string phase, string type, string status, string? reason, string word)
    {
        var instance = Instance(phase, ran: false);
        var condition = new VirtualMachineInstanceCondition { Type = type, Status = status, Reason = reason };
        Assert.Equal(word, Word(State(Vm("Always"), instance with { Status = instance.Status! with { Conditions = [condition] } })));
    }

    [Fact]
    public void Deletion_of_either_comes_first()
    {
        var machine = Vm("Always");
        Assert.Equal("Terminating", Word(State(machine with { Metadata = machine.Metadata with { DeletionTimestamp = Now } }, Instance("Running"))));
        Assert.Equal("Stopping", Word(State(machine, Instance("Running", deleting: true))));
    }

    [Fact]
    public void A_machine_between_two_failing_starts_is_in_CrashLoopBackOff()
    {
        var failure = new VirtualMachineStartFailure { ConsecutiveFailCount = 2, LastFailedVMIUID = "x", RetryAfterTimestamp = Now.AddMinutes(1) };
        Assert.Equal("CrashLoopBackOff", Word(State(Vm("Always", s => s with { StartFailure = failure }))));
    }

    [Fact]
    public void A_migration_under_way_is_told()
    {
        var instance = Instance("Running");
        var moving = instance with { Status = instance.Status! with { MigrationState = new VirtualMachineInstanceMigrationState { StartTimestamp = Now } } };
        Assert.Equal("Migrating", Word(State(Vm("Always"), moving)));
    }

    [Theory]
    [InlineData("ImportInProgress", "Provisioning", "")]
    [InlineData("Failed", "DataVolumeError", "")]
    [InlineData("Succeeded", "Starting", "StartInstance")]
    [InlineData("WaitForFirstConsumer", "WaitingForVolumeBinding", "StartInstance")]
    public void A_machine_waits_for_its_data_volumes(string phase, string word, string effects)
    {
        var machine = WithTemplate(Vm("Always"));
        var state = State(machine) with { DataVolumes = new Dictionary<string, DataVolume> { ["disk"] = new() { Metadata = new ObjectMeta { Name = "disk" }, Status = new DataVolumeStatus { Phase = phase } } } };
        Assert.Equal(effects, Did(Decide(state)));
        Assert.Equal(word, Word(state));
    }

    [Fact]
    public void Data_volumes_are_made_at_once_unless_the_machine_puts_them_off()
    {
        var machine = WithTemplate(Vm("Halted"));
        var create = Assert.IsType<MachineEffect.CreateDataVolume>(Assert.Single(Decide(State(machine)).Effects));
        Assert.Equal(("disk", "n", "vm-1"), (create.DataVolume.Metadata.Name, create.DataVolume.Metadata.Namespace, create.DataVolume.Metadata.OwnerReferences![0].Uid));
        var later = machine with { Metadata = machine.Metadata with { Annotations = new Dictionary<string, string> { ["kubevirt.io/immediate-data-volume-creation"] = "false" } } };
        Assert.Empty(Decide(State(later)).Effects);
        Assert.Equal("CreateDataVolume", Did(Decide(State(later with { Spec = later.Spec! with { RunStrategy = "Always" } }))));
    }

    private static VirtualMachine WithTemplate(VirtualMachine machine) => machine with
    {
        Spec = machine.Spec! with { DataVolumeTemplates = [new DataVolumeTemplateSpec { Metadata = new ObjectMeta { Name = "disk" }, Spec = new DataVolumeSpec() }] },
    };
}
