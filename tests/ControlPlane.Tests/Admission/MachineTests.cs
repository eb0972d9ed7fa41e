using Troupe.ControlPlane.Machines.Instancetypes.Common;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class MachineTests
{
    private const string Template = """[{ "metadata": { "name": "dv" }, "spec": { "pvc": { "resources": { "requests": { "storage": "1Gi" } } }, "source": { "blank": {} } } }]""";

    [Theory]
    [InlineData("spec.runStrategy", "null", "spec.running", "RunStrategy must be specified")]
    [InlineData("spec.runStrategy", "\"Sometimes\"", "spec.runStrategy", "Invalid RunStrategy (Sometimes)")]
    [InlineData("spec.runStrategy", "\"WaitAsReceiver\"", "spec.runStrategy", "Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate is not enabled in kubevirt resource")]
    [InlineData("spec.running", "true", "spec.running", "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use RunStrategy instead")]
    [InlineData("spec.instancetype", "{}", "spec.instancetype", "Either Name or InferFromVolume should be provided within the InstancetypeMatcher")]
    [InlineData("spec.preference", """{ "name": "p", "inferFromVolume": "v" }""", "spec.preference.name", "Name already set, should be cleared before setting inferFromVolume")]
    [InlineData("spec.instancetype", """{ "name": "p", "inferFromVolumeFailurePolicy": "Guess" }""", "spec.instancetype.inferFromVolumeFailurePolicy", "Invalid value 'Guess' for InferFromVolumeFailurePolicy")]
    [InlineData("spec.template.spec.domain.devices.disks[0].name", "\"x\"", "spec.template.spec.domain.devices.disks[0].name", "spec.template.spec.domain.devices.disks[0].Name 'x' not found.")]
    [InlineData("spec.template.metadata", """{ "labels": { "kubevirt.io/nodeName": "n" } }""", "spec.template.metadata.labels", "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited")]
    [InlineData("spec.template.spec.domain.memory", """{ "guest": "2Gi", "maxGuest": "1Gi" }""", "spec.template.spec.domain.memory.guest", "Guest memory is greater than the configured maxGuest memory")]
    [InlineData("spec.dataVolumeTemplates", Template, "spec.dataVolumeTemplate[0]", "DataVolumeTemplate entry spec.dataVolumeTemplate[0] must be referenced in the VMI template's 'volumes' list")]
    [InlineData("spec.dataVolumeTemplates", """[{ "metadata": { "name": "dv" }, "spec": {} }]""", "spec.dataVolumeTemplate[0].PVC.Storage", "Missing Data volume PVC or Storage")]
    public async Task A_bad_machine_is_refused(string path, string json, string field, string message)
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vm().Set(path, json));

        Assert.Contains(verdict.Refusal?.Details?.Causes ?? [], c => c.Field == field && c.Message == message);
    }

    [Fact]
    public async Task A_status_has_its_form_too()
    {
        var harness = new AdmissionHarness();
        var (_, stored) = await harness.CreateAsync(Objects.Vm());
        var asking = stored!.DeepClone().AsObject().Set("status.volumeRequests", """[{ "addVolumeOptions": { "name": "v", "volumeSource": {} } }, { "addVolumeOptions": { "name": "w", "volumeSource": {} } }]""");

        Assert.Equal("status.volumeRequests.addVolumeOptions.disk in body is required", (await harness.UpdateAsync(stored, asking)).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task Of_a_disk_with_two_targets_the_first_says_the_bus()
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vm().Set("spec.template.spec.domain.devices.disks[0]", """{ "name": "root", "disk": {}, "cdrom": { "bus": "virtio" } }"""));

        Assert.Equal("spec.template.spec.domain.devices.disks[0] can only have a single target type defined", verdict.Refusal?.Message);
    }

    [Fact]
    public async Task A_machine_gets_an_identity_that_later_updates_leave_alone()
    {
        var harness = new AdmissionHarness();
        var (_, stored) = await harness.CreateAsync(Objects.Vm());
        var firmware = stored!["spec"]!["template"]!["spec"]!["domain"]!["firmware"]!;

        Assert.True(Guid.TryParse((string?)firmware["uuid"], out _));
        var (verdict, updated) = await harness.UpdateAsync(stored, stored.DeepClone().AsObject().Set("spec.runStrategy", "\"Halted\""));
        Assert.True(verdict.IsAllowed);
        Assert.Equal(firmware.ToJsonString(), updated!["spec"]!["template"]!["spec"]!["domain"]!["firmware"]!.ToJsonString());
    }

    [Fact]
    public async Task Running_is_allowed_with_a_warning()
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vm().Set("spec.runStrategy", "null").Set("spec.running", "true"));

        Assert.Equal(["spec.running is deprecated, please use spec.runStrategy instead."], verdict.Warnings);
    }

    [Fact]
    public async Task What_is_being_deleted_is_not_judged()
    {
        var deleted = Objects.Vm().Set("metadata.deletionTimestamp", "\"2026-11-25T12:00:00Z\"").Set("spec.runStrategy", "\"Sometimes\"");

        Assert.True((await new AdmissionHarness().UpdateAsync(Objects.Vm(), deleted)).Verdict.IsAllowed);
    }

    [Fact]
    public async Task An_instancetype_is_inferred_from_the_labels_of_a_claim()
    {
        var harness = new AdmissionHarness();
        harness.Objects.Add(new PersistentVolumeClaim
        {
            Metadata = new ObjectMeta
            {
                Name = "disk",
                Namespace = "default",
                Labels = new Dictionary<string, string> { ["instancetype.kubevirt.io/default-instancetype"] = "u1.small", ["instancetype.kubevirt.io/default-instancetype-kind"] = "VirtualMachineClusterInstancetype" },
            },
        });
        harness.Objects.Add(CommonInstancetypes.All.First(i => i.Metadata.Name == "u1.small"));
        var vm = Objects.Vm().Set("spec.instancetype", """{ "inferFromVolume": "root" }""").Set("spec.template.spec.domain.memory", "null")
            .Set("spec.template.spec.volumes[0]", """{ "name": "root", "persistentVolumeClaim": { "claimName": "disk" } }""");

        var (_, stored) = await harness.CreateAsync(vm);

        Assert.Equal("""{"kind":"VirtualMachineClusterInstancetype","name":"u1.small"}""", stored!["spec"]!["instancetype"]!.ToJsonString());
    }

    [Theory]
    [InlineData("Reject", "unable to find required instancetype.kubevirt.io/default-instancetype label on the volume")]
    [InlineData("Ignore", null)]
    public async Task A_volume_without_labels_is_refused_or_ignored_as_the_machine_says(string policy, string? message)
    {
        var harness = new AdmissionHarness();
        harness.Objects.Add(new PersistentVolumeClaim { Metadata = new ObjectMeta { Name = "disk", Namespace = "default" } });
        var vm = Objects.Vm().Set("spec.instancetype", $$"""{ "inferFromVolume": "root", "inferFromVolumeFailurePolicy": "{{policy}}" }""")
            .Set("spec.template.spec.volumes[0]", """{ "name": "root", "persistentVolumeClaim": { "claimName": "disk" } }""");

        Assert.Equal(message, (await harness.CreateAsync(vm)).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task A_preference_brings_architecture_and_machine_type()
    {
        var harness = new AdmissionHarness();
        harness.Objects.Add(new VirtualMachineClusterPreference
        {
            Metadata = new ObjectMeta { Name = "p" },
            Spec = new VirtualMachinePreferenceSpec { PreferredArchitecture = "arm64", Machine = new MachinePreferences { PreferredMachineType = "virt-9.0" } },
        });

        var (_, stored) = await harness.CreateAsync(Objects.Vm().Set("spec.preference", """{ "name": "p" }"""));

        Assert.Equal("arm64", (string?)InstanceDefaultTests.At(stored!, "spec.template.spec.architecture"));
        Assert.Equal("virt-9.0", (string?)InstanceDefaultTests.At(stored!, "spec.template.spec.domain.machine.type"));
    }

    [Theory]
    [InlineData("spec.runStrategy", "\"Halted\"", "Cannot update vm running state until snapshot \"snap\" completes")]
    [InlineData("spec.template.spec.volumes[0].containerDisk.image", "\"x\"", "Cannot update vm disks or volumes until snapshot \"snap\" completes")]
    public async Task A_snapshot_in_progress_holds_volumes_and_run_state(string path, string json, string message)
    {
        var harness = new AdmissionHarness();
        var (_, stored) = await harness.CreateAsync(Objects.Vm());
        Assert.NotNull(stored);
        stored.Set("status.snapshotInProgress", "\"snap\"");

        Assert.Equal(message, (await harness.UpdateAsync(stored, stored.DeepClone().AsObject().Set(path, json))).Verdict.Refusal?.Message);
    }
}
