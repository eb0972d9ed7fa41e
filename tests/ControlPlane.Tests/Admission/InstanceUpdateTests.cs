using System.Text.Json.Nodes;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class InstanceUpdateTests
{
    private readonly AdmissionHarness _harness = new();

    [Fact]
    public async Task A_user_may_not_change_the_spec()
    {
        var old = await StoredAsync();
        var (verdict, _) = await _harness.UpdateAsync(old, Copy(old).Set("spec.domain.cpu.sockets", "2"));

        Assert.Equal("update of VMI object is restricted", verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("spec.domain.memory.guest", "\"1024Mi\"")]
    [InlineData("spec.nodeSelector", "{}")]
    [InlineData("spec.tolerations", "[]")]
    [InlineData("spec.hostname", "\"\"")]
    public async Task The_same_in_other_words_is_no_change(string path, string json)
    {
        var old = await StoredAsync();

        Assert.Null((await _harness.UpdateAsync(old, Copy(old).Set(path, json))).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task Of_what_is_wrong_the_guests_own_volumes_are_named_first()
    {
        var old = await StoredAsync();
        var changed = Copy(old).Set("spec.volumes[0].containerDisk.image", "\"other\"");
        changed["spec"]!["volumes"]!.AsArray().Insert(0, JsonNode.Parse("""{ "name": "data", "emptyDisk": { "capacity": "1Gi" } }"""));
        changed["spec"]!["domain"]!["devices"]!["disks"]!.AsArray().Insert(0, JsonNode.Parse("""{ "name": "data", "disk": { "bus": "scsi" } }"""));

        Assert.Equal("permanent volume root, changed", (await _harness.UpdateAsync(old, changed, AdmissionHarness.System)).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task The_control_plane_may_change_what_can_be_plugged()
    {
        var old = await StoredAsync();
        var (verdict, _) = await _harness.UpdateAsync(old, Copy(old).Set("spec.domain.cpu.sockets", "2"), AdmissionHarness.System);

        Assert.True(verdict.IsAllowed);
    }

    [Theory]
    [InlineData("spec.domain.cpu.maxSockets", "99", "CPU topology maxSockets changed")]
    [InlineData("spec.domain.memory.maxGuest", "\"64Gi\"", "Memory maxGuest changed")]
    [InlineData("spec.volumes[0].containerDisk.image", "\"other\"", "permanent volume root, changed")]
    [InlineData("spec.domain.devices.disks[0].serial", "\"s\"", "permanent disk root, changed")]
    public async Task Not_even_the_control_plane_changes_what_the_guest_was_started_with(string path, string json, string message)
    {
        var old = await StoredAsync();
        var (verdict, _) = await _harness.UpdateAsync(old, Copy(old).Set(path, json), AdmissionHarness.System);

        Assert.Equal(message, verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("""{ "name": "data", "persistentVolumeClaim": { "claimName": "c", "hotpluggable": true } }""", """{ "name": "data", "disk": { "bus": "scsi" } }""", null)]
    [InlineData("""{ "name": "data", "persistentVolumeClaim": { "claimName": "c", "hotpluggable": true } }""", """{ "name": "data", "disk": { "bus": "sata" } }""",
        "Hotplug configuration for disk [data] requires bus to be 'scsi' or 'virtio'. [sata] is not permitted.")]
    [InlineData("""{ "name": "data", "emptyDisk": { "capacity": "1Gi" } }""", """{ "name": "data", "disk": { "bus": "scsi" } }""", "volume data is not a PVC or DataVolume")]
    [InlineData("""{ "name": "data", "persistentVolumeClaim": { "claimName": "c" } }""", """{ "name": "other", "cdrom": { "bus": "sata" } }""", "mismatch between volumes declared (2) and required (1)")]
    public async Task A_volume_is_plugged_in_with_its_disk(string volume, string disk, string? message)
    {
        var old = await StoredAsync();
        var plugged = Copy(old);
        plugged["spec"]!["volumes"]!.AsArray().Add(JsonNode.Parse(volume));
        plugged["spec"]!["domain"]!["devices"]!["disks"]!.AsArray().Add(JsonNode.Parse(disk));

        var (verdict, _) = await _harness.UpdateAsync(old, plugged, AdmissionHarness.System);

        Assert.Equal(message, verdict.Refusal?.Message);
    }

    [Fact]
    public async Task Reserved_labels_stay_as_they_are()
    {
        var old = (await StoredAsync()).Set("metadata.labels", """{ "kubevirt.io/nodeName": "n1", "mine": "a" }""");

        Assert.True((await _harness.UpdateAsync(old, Copy(old).Set("metadata.labels.mine", "\"b\""))).Verdict.IsAllowed);
        Assert.Equal("modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
            (await _harness.UpdateAsync(old, Copy(old).Set("metadata.labels", """{ "kubevirt.io/nodeName": "n2" }"""))).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task A_users_status_is_put_back_silently()
    {
        var old = await StoredAsync();

        var (verdict, stored) = await _harness.UpdateAsync(old, Copy(old).Set("status.phase", "\"Running\""));

        Assert.True(verdict.IsAllowed);
        Assert.Equal("Pending", (string?)stored!["status"]!["phase"]);
    }

    [Fact]
    public async Task The_control_planes_status_is_kept()
    {
        var old = await StoredAsync();

        var (_, stored) = await _harness.UpdateAsync(old, Copy(old).Set("status.phase", "\"Running\""), AdmissionHarness.System);

        Assert.Equal("Running", (string?)stored!["status"]!["phase"]);
    }

    private async Task<JsonObject> StoredAsync()
    {
        var (_, stored) = await _harness.CreateAsync(Objects.Vmi().Set("spec.domain.memory.guest", "\"1Gi\""));
        return stored!.Set("status.volumeStatus", """[{ "name": "root", "target": "vda" }]""");
    }

    private static JsonObject Copy(JsonObject obj) => obj.DeepClone().AsObject();
}
