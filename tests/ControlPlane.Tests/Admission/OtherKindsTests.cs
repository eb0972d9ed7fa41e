using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class OtherKindsTests
{
    [Theory]
    [InlineData("""{ "matchLabels": { "app": "b" } }""", "selector does not match labels.")]
    [InlineData("""{ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["a", "c"] }] }""", null)]
    [InlineData("""{ "matchExpressions": [{ "key": "app", "operator": "Near", "values": ["a"] }] }""", "\"Near\" is not a valid label selector operator")]
    [InlineData("""{ "matchExpressions": [{ "key": "app", "operator": "In" }] }""", "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty")]
    [InlineData("""{ "matchExpressions": [{ "key": "app", "operator": "Exists", "values": ["a"] }] }""", "values: Invalid value: [\"a\"]: values set must be empty for exists and does not exist")]
    [InlineData("""{ "matchLabels": { "a/": "x" } }""", "key: Invalid value: \"a/\": name part must be non-empty; name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")]
    public async Task A_replica_set_finds_what_it_makes(string selector, string? message)
    {
        var set = Objects.Parse("""{ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet", "metadata": { "name": "rs", "namespace": "default" }, "spec": {} }""");
        set["spec"]!["selector"] = Objects.Parse(selector);
        set["spec"]!["template"] = Objects.Vmi().Set("metadata", """{ "labels": { "app": "a" } }""");
        ((System.Text.Json.Nodes.JsonObject)set["spec"]!["template"]!).Remove("apiVersion");
        ((System.Text.Json.Nodes.JsonObject)set["spec"]!["template"]!).Remove("kind");

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(set)).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("""[{ "name": "g", "requestName": "" }]""", "claimName is required for DRA HostDevice, requestName is required for DRA HostDevice, Host Devices feature gate is not enabled in kubevirt-config")]
    [InlineData("[]", "Host Devices feature gate is not enabled in kubevirt-config")]
    public async Task A_template_that_no_default_was_set_for_is_judged_to_the_letter(string hostDevices, string message)
    {
        var set = Objects.Parse("""{ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceReplicaSet", "metadata": { "name": "rs", "namespace": "default" }, "spec": { "selector": { "matchLabels": { "app": "a" } } } }""")
            .Set("spec.template.metadata", """{ "labels": { "app": "a" } }""");
        set["spec"]!["template"]!["spec"] = Objects.Vmi()["spec"]!.DeepClone();

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(set.Set("spec.template.spec.domain.devices.hostDevices", hostDevices))).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("spec.maxUnavailable", "0", "maxUnavailable must be greater than 0")]
    [InlineData("spec.maxUnavailable", "\"50\"", "maxUnavailable percentage must end with %")]
    [InlineData("spec.maxUnavailable", "\"150%\"", "maxUnavailable percentage value 150 must be between 1 and 100")]
    [InlineData("spec.maxUnavailable", "\"50%\"", null)]
    [InlineData("spec.updateStrategy", """{ "proactive": {}, "unmanaged": {} }""", "only one strategy can be configured at a time: but found proactive, unmanaged strategies")]
    [InlineData("spec.virtualMachineTemplate", "null", "missing virtual machine template.")]
    [InlineData("spec.virtualMachineTemplate.spec.runStrategy", "\"Sometimes\"", "Invalid RunStrategy (Sometimes)")]
    public async Task A_pool_is_checked_with_its_template(string path, string json, string? message) =>
        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(Pool().Set(path, json))).Verdict.Refusal?.Message);

    [Fact]
    public async Task A_pools_selector_stays()
    {
        var changed = Pool().Set("spec.selector.matchLabels", """{ "app": "a", "tier": "x" }""").Set("spec.virtualMachineTemplate.metadata.labels", """{ "app": "a", "tier": "x" }""");

        Assert.Equal("selector is immutable after creation.", (await new AdmissionHarness().UpdateAsync(Pool(), changed)).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("spec.completionTimeoutPerGiB", "-1", "must not be negative")]
    [InlineData("spec.bandwidthPerMigration", "\"-1\"", "must not be negative")]
    [InlineData("spec.maxDowntimeMs", "500", "maxDowntimeMs cannot be modified without enabling the MigrationStallDetection feature gate")]
    [InlineData("spec.experimental.downtimeTuning", "{}", "experimental.downtimeTuning cannot be modified without enabling the MigrationDowntimeTuning feature gate")]
    [InlineData("spec.experimental.stallDetector", "{}", "experimental.stallDetector cannot be modified without enabling the MigrationStallDetection feature gate")]
    [InlineData("spec.experimental.stallDetector", """{ "ewmaAlpha": "1Gi" }""", "experimental.stallDetector cannot be modified without enabling the MigrationStallDetection feature gate, invalid factor \"1Gi\": strconv.ParseFloat: parsing \"1Gi\": invalid syntax")]
    [InlineData("spec.allowPostCopy", "true", null)]
    public async Task A_migration_policy_must_be_possible(string path, string json, string? message)
    {
        var policy = Objects.Parse("""{ "apiVersion": "migrations.kubevirt.io/v1alpha1", "kind": "MigrationPolicy", "metadata": { "name": "p" }, "spec": { "selectors": {} } }""");

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(policy.Set(path, json))).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("""{ "cpu": { "guest": 1 }, "memory": { "guest": "1Gi", "overcommitPercent": 101 } }""", "spec.memory.overcommitPercent '101': must be in range between 0 and 100.")]
    [InlineData("""{ "cpu": { "guest": 1 }, "memory": { "guest": "1Gi", "overcommitPercent": 5, "hugepages": {} } }""", "spec.memory.overcommitPercent and spec.memory.hugepages should not be requested together.")]
    [InlineData("""{ "cpu": { "guest": -1 }, "memory": { "guest": "1Gi" } }""", "json: cannot unmarshal number -1 into Go struct field CPUInstancetype.spec.cpu.guest of type uint32")]
    [InlineData("""{ "cpu": { "guest": 1 }, "memory": { "guest": "1Gi" } }""", null)]
    public async Task An_instancetype_must_be_possible(string spec, string? message)
    {
        var instancetype = Objects.Parse("""{ "apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineInstancetype", "metadata": { "name": "i", "namespace": "default" } }""");
        instancetype["spec"] = Objects.Parse(spec);

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(instancetype)).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("sockets", null, false)]
    [InlineData("preferSockets", null, true)]
    [InlineData("piles", "unknown preferredCPUTopology piles", false)]
    public async Task A_preference_names_a_known_topology(string topology, string? message, bool warns)
    {
        var preference = Objects.Parse("""{ "apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterPreference", "metadata": { "name": "p" }, "spec": { "cpu": {} } }""");

        var (verdict, _) = await new AdmissionHarness().CreateAsync(preference.Set("spec.cpu.preferredCPUTopology", $"\"{topology}\""));

        Assert.Equal((message, warns), (verdict.Refusal?.Message, verdict.Warnings.Count > 0));
    }

    [Fact]
    public async Task A_migration_needs_a_guest_that_runs_and_is_not_being_migrated()
    {
        var harness = new AdmissionHarness();
        var migration = Objects.Parse("""{ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration", "metadata": { "name": "m", "namespace": "default" }, "spec": { "vmiName": "vmi" } }""");

        Assert.Equal("the VMI \"default/vmi\" does not exist", (await harness.CreateAsync(migration)).Verdict.Refusal?.Message);
        harness.Objects.Add(new VirtualMachineInstance { Metadata = new ObjectMeta { Name = "vmi", Namespace = "default" }, Status = new VirtualMachineInstanceStatus { Phase = "Running" } });
        var (verdict, stored) = await harness.CreateAsync(migration);
        Assert.True(verdict.IsAllowed);
        Assert.Equal("vmi", (string?)stored!["metadata"]!["labels"]!["kubevirt.io/vmi-name"]);
        harness.Objects.Add(new VirtualMachineInstanceMigration
        {
            Metadata = new ObjectMeta { Name = "other", Namespace = "default", Uid = "u", Labels = new Dictionary<string, string> { ["kubevirt.io/vmi-name"] = "vmi" } },
            Spec = new VirtualMachineInstanceMigrationSpec { VmiName = "vmi" },
        });
        Assert.Equal("in-flight migration detected. Active migration job (u) is currently already in progress for VMI vmi.", (await harness.CreateAsync(migration)).Verdict.Refusal?.Message);
        Assert.Equal("update of Migration object's spec is restricted",
            (await harness.UpdateAsync(migration, migration.DeepClone().AsObject().Set("spec.vmiName", "\"x\""))).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("""{ "sendTo": { "connectURL": "x", "migrationID": "1" } }""", true)]
    [InlineData("""{ "receive": { "migrationID": "1" } }""", true)]
    [InlineData("""{ "sendTo": { "connectURL": "x", "migrationID": "1" }, "receive": { "migrationID": "1" } }""", false)]
    [InlineData("{}", false)]
    public async Task Disks_that_are_not_shared_are_copied_to_another_cluster_alone(string spec, bool isAllowed)
    {
        var harness = AdmissionHarness.With("DecentralizedLiveMigration");
        harness.Objects.Add(new VirtualMachineInstance
        {
            Metadata = new ObjectMeta { Name = "vmi", Namespace = "default" },
            Status = new VirtualMachineInstanceStatus { Phase = "Running", Conditions = [new VirtualMachineInstanceCondition { Type = "LiveMigratable", Status = "False", Reason = "DisksNotLiveMigratable" }] },
        });
        var migration = Objects.Parse("""{ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration", "metadata": { "name": "m", "namespace": "default" } }""");
        migration["spec"] = Objects.Parse(spec);

        Assert.Equal(isAllowed, (await harness.CreateAsync(migration.Set("spec.vmiName", "\"vmi\""))).Verdict.IsAllowed);
    }

    [Theory]
    [InlineData("""{ "kind": "VirtualMachine", "name": "a" }""", "missing apiGroup")]
    [InlineData("""{ "apiGroup": "apps", "kind": "VirtualMachine", "name": "a" }""", "invalid apiGroup")]
    [InlineData("""{ "apiGroup": "kubevirt.io", "kind": "Deployment", "name": "a" }""", "invalid kind")]
    [InlineData("""{ "apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a" }""", null)]
    public async Task A_snapshot_is_of_a_machine(string source, string? message)
    {
        var snapshot = Objects.Parse("""{ "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot", "metadata": { "name": "s", "namespace": "default" }, "spec": {} }""");

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(snapshot.Set("spec.source", source))).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("2h", null)]
    [InlineData("soon", "time: invalid duration \"soon\"")]
    [InlineData("5", "time: missing unit in duration \"5\"")]
    [InlineData("5days", "time: unknown unit \"days\" in duration \"5days\"")]
    public async Task A_deadline_is_a_length_of_time(string deadline, string? message)
    {
        var snapshot = Objects.Parse("""{ "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot", "metadata": { "name": "s", "namespace": "default" }, "spec": {} }""")
            .Set("spec.source", """{ "apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a" }""").Set("spec.failureDeadline", $"\"{deadline}\"");

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(snapshot)).Verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("spec.labelFilters", """["!"]""", "a negation character is not a valid filter")]
    [InlineData("spec.newMacAddresses", """{ "nic": "xyz" }""", "interface nic has malformed MAC address (xyz).")]
    [InlineData("spec.target", """{ "apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a" }""", "Target name cannot be equal to source name when both are VirtualMachines")]
    [InlineData("spec.patches", """["{"]""", "patch is not valid JSON ({)")]
    [InlineData("spec.newSMBiosSerial", "\"x\"", null)]
    public async Task A_clone_must_be_possible(string path, string json, string? message)
    {
        var clone = Objects.Parse("""
            { "apiVersion": "clone.kubevirt.io/v1beta1", "kind": "VirtualMachineClone", "metadata": { "name": "c", "namespace": "default" },
              "spec": { "source": { "apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a" } } }
            """);

        Assert.Equal(message, (await new AdmissionHarness().CreateAsync(clone.Set(path, json))).Verdict.Refusal?.Message);
    }

    private static System.Text.Json.Nodes.JsonObject Pool()
    {
        var pool = Objects.Parse("""
            { "apiVersion": "pool.kubevirt.io/v1beta1", "kind": "VirtualMachinePool", "metadata": { "name": "p", "namespace": "default" },
              "spec": { "selector": { "matchLabels": { "app": "a" } }, "virtualMachineTemplate": { "metadata": { "labels": { "app": "a" } } } } }
            """);
        pool["spec"]!["virtualMachineTemplate"]!["spec"] = Objects.Vm()["spec"]!.DeepClone();
        return pool;
    }
}
