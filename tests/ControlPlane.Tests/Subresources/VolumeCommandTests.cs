using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class VolumeCommandTests
{
    private static readonly ClusterConfig Declarative = ClusterConfig.Default;

    [Fact]
    public void A_request_that_lacks_something_is_a_bad_one_and_says_what()
    {
        Assert.Equal("AddVolumeOptions requires name to be set", VolumeCommands.Request(new AddVolumeOptions()).Item1!.Message);
        Assert.Equal("AddVolumeOptions requires disk to not be nil", VolumeCommands.Request(new AddVolumeOptions { Name = "x" }).Item1!.Message);
        Assert.Equal("AddVolumeOptions requires VolumeSource to not be nil", VolumeCommands.Request(new AddVolumeOptions { Name = "x", Disk = new Disk() }).Item1!.Message);
        Assert.Equal((400, "RemoveVolumeOptions requires name to be set"), (VolumeCommands.Request(new RemoveVolumeOptions()).Item1!.Code, VolumeCommands.Request(new RemoveVolumeOptions()).Item1!.Message));
    }

    [Fact]
    public void A_volume_is_added_to_what_was_read_and_to_nothing_else()
    {
        var (refusal, patch) = VolumeCommands.OfInstance(Instance(Fixed("root")), Add("data", "claim"), Declarative);
        Assert.Null(refusal);
        Assert.Equal(["test /spec/volumes", "test /spec/domain/devices/disks", "replace /spec/volumes", "add /spec/domain/devices/disks"], patch!.Select(o => $"{o!["op"]} {o["path"]}"));
        Assert.Null(patch![1]!["value"]);
        Assert.Equal(["root", "data"], patch[2]!["value"]!.AsArray().Select(v => (string?)v!["name"]));
        Assert.True((bool?)patch[2]!["value"]![1]!["persistentVolumeClaim"]!["hotpluggable"]);
        Assert.Equal("data", (string?)patch[3]!["value"]![0]!["name"]);

        var (_, ofMachine, ofStatus) = VolumeCommands.OfMachine(Machine(Fixed("root")), Add("data", "claim"), Declarative);
        Assert.False(ofStatus);
        Assert.Equal("/spec/template/spec/volumes", (string?)ofMachine![0]!["path"]);
    }

    [Theory]
    [InlineData("root", "other", "Unable to add volume [root] because volume with that name already exists")]
    [InlineData("data", "claim-of-root", "Unable to add volume source [claim-of-root] because it already exists")]
    public void What_is_there_is_not_added_again(string name, string claim, string text)
    {
        var (refusal, _) = VolumeCommands.OfInstance(Instance(Fixed("root")), Add(name, claim), Declarative);
        Assert.Equal((409, $"Operation cannot be fulfilled on virtualmachineinstance.kubevirt.io \"demo\": {text}"), (refusal!.Code, refusal.Message));
    }

    [Fact]
    public void Only_what_was_plugged_in_is_pulled_out()
    {
        Assert.EndsWith("Unable to remove volume [x] because it does not exist", VolumeCommands.OfInstance(Instance(Fixed("root")), Remove("x"), Declarative).Item1!.Message);
        Assert.EndsWith("Unable to remove volume [root] because it is not hotpluggable", VolumeCommands.OfInstance(Instance(Fixed("root")), Remove("root"), Declarative).Item1!.Message);
        var plugged = new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "claim", Hotpluggable = true } };
        var (refusal, patch) = VolumeCommands.OfInstance(Instance(Fixed("root"), plugged), Remove("data"), Declarative);
        Assert.Null(refusal);
        Assert.Equal(["root"], patch!.Last(o => (string?)o!["path"] == "/spec/volumes")!["value"]!.AsArray().Select(v => (string?)v!["name"]));
    }

    [Fact]
    public void An_instance_of_a_machine_changes_through_its_machine_and_one_that_does_not_run_not_at_all()
    {
        var owned = Instance() with { Metadata = Instance().Metadata with { OwnerReferences = [new OwnerReference { Kind = "VirtualMachine", Name = "demo", Uid = "vm", Controller = true }] } };
        Assert.Equal((400, "VMI default/demo is owned by a VM"), (VolumeCommands.OfInstance(owned, Add("d", "c"), Declarative).Item1!.Code, VolumeCommands.OfInstance(owned, Add("d", "c"), Declarative).Item1!.Message));
        var stopped = Instance() with { Status = new VirtualMachineInstanceStatus { Phase = "Scheduling" } };
        Assert.EndsWith("VMI is not running", VolumeCommands.OfInstance(stopped, Add("d", "c"), Declarative).Item1!.Message);
    }

    [Fact]
    public void Where_the_older_gate_is_open_a_machine_gets_a_request_in_its_status_and_only_one_of_a_name()
    {
        var requests = Declarative with { EnabledGates = ["HotplugVolumes"] };
        var (_, patch, ofStatus) = VolumeCommands.OfMachine(Machine(), Add("data", "claim"), requests);
        Assert.True(ofStatus);
        Assert.Equal(["test /status/volumeRequests", "add /status/volumeRequests"], patch!.Select(o => $"{o!["op"]} {o["path"]}"));
        var waiting = Machine() with { Status = new VirtualMachineStatus { VolumeRequests = [Add("data", "claim")] } };
        Assert.EndsWith("add volume request for volume [data] already exists", VolumeCommands.OfMachine(waiting, Add("data", "claim"), requests).Item1!.Message);
    }

    [Fact]
    public void A_request_to_remove_takes_the_place_of_one_to_add_and_is_made_once()
    {
        var requests = Declarative with { EnabledGates = ["HotplugVolumes"] };
        var plugged = new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "claim", Hotpluggable = true } };
        var adding = Machine(plugged) with { Status = new VirtualMachineStatus { VolumeRequests = [Add("data", "claim"), Add("more", "other")] } };
        var (_, patch, _) = VolumeCommands.OfMachine(adding, Remove("data"), requests);
        var wanted = patch!.Single(o => (string?)o!["op"] == "replace")!["value"]!.AsArray();
        Assert.Equal(["more", "data"], wanted.Select(r => (string?)(r!["addVolumeOptions"] ?? r["removeVolumeOptions"])!["name"]));
        var removing = Machine(plugged) with { Status = new VirtualMachineStatus { VolumeRequests = [Remove("data")] } };
        Assert.EndsWith("\"demo\": a remove volume request for volume [data] already exists and is still being processed", VolumeCommands.OfMachine(removing, Remove("data"), requests).Item1!.Message);
    }

    [Fact]
    public void Of_two_volumes_in_the_way_the_first_is_named()
    {
        var (refusal, _) = VolumeCommands.OfInstance(Instance(Fixed("root"), Fixed("data")), Add("data", "claim-of-root"), Declarative);
        Assert.EndsWith("Unable to add volume source [claim-of-root] because it already exists", refusal!.Message);
    }

    [Fact]
    public void Without_either_gate_the_way_is_closed() =>
        Assert.Equal("Enable DeclarativeHotplugVolumes or HotplugVolumes feature gate to use this API.", VolumeCommands.CheckGate(Declarative with { DisabledGates = ["DeclarativeHotplugVolumes"] })!.Message);

    private static VirtualMachineVolumeRequest Add(string name, string claim) => VolumeCommands.Request(new AddVolumeOptions
    {
        Name = name,
        Disk = new Disk { DiskValue = new DiskTarget { Bus = "scsi" } },
        VolumeSource = new HotplugVolumeSource { PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = claim } },
    }).Item2!;

    private static VirtualMachineVolumeRequest Remove(string name) => VolumeCommands.Request(new RemoveVolumeOptions { Name = name }).Item2!;

    private static Volume Fixed(string name) => new() { Name = name, PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = $"claim-of-{name}" } };

    private static VirtualMachineInstance Instance(params Volume[] volumes) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default" },
        Spec = Spec(volumes),
        Status = new VirtualMachineInstanceStatus { Phase = "Running" },
    };

    private static VirtualMachine Machine(params Volume[] volumes) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default" },
        Spec = new VirtualMachineSpec { Template = new VirtualMachineInstanceTemplateSpec { Spec = Spec(volumes) } },
    };

    private static VirtualMachineInstanceSpec Spec(Volume[] volumes) => new() { Volumes = volumes.Length == 0 ? null : volumes, Domain = new DomainSpec { Devices = new Devices() } };
}
