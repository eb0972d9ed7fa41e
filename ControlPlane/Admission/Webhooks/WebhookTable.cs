using Troupe.ControlPlane.Admission.Installation;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Machines;
using Troupe.ControlPlane.Admission.Migrations;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Admission.Storage;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>All webhooks, with KubeVirt's names and paths.</summary>
public sealed class WebhookTable
{
    private const string KubeVirt = "kubevirt.io";
    private static readonly string[] V1 = ["v1", "v1alpha3"];
    private static readonly string[] AlphaAndBeta = ["v1alpha1", "v1beta1"];
    private static readonly string[] Write = [AdmissionRequest.Create, AdmissionRequest.Update];

    public WebhookTable(IInstancetypes instancetypes)
    {
        var machines = new MachineAdmission(instancetypes);
        All =
        [
            Mutating("virtualmachines-mutator", "/virtualmachines-mutate", KubeVirt, V1, Write, "virtualmachines", machines.Mutate),
            Mutating("virtualmachineinstances-mutator", "/virtualmachineinstances-mutate", KubeVirt, V1, Write, "virtualmachineinstances", InstanceAdmission.Mutate),
            Mutating("migrations-mutator", "/migration-mutate-create", KubeVirt, V1, [AdmissionRequest.Create], "virtualmachineinstancemigrations", MigrationAdmission.Mutate),
            Mutating("virtualmachineclones-mutator", "/vm-clone-mutate-create", "clone.kubevirt.io", AlphaAndBeta, [AdmissionRequest.Create], "virtualmachineclones", CloneAdmission.Mutate),

            Evictions("virt-launcher-eviction-interceptor", "only-vms", "virt-launcher"), Evictions("hotplug-pod-eviction-interceptor", "only-hotplug-pods", "hp-volume-"),
            Validating("virtualmachineinstances-create-validator", "/virtualmachineinstances-validate-create", KubeVirt, V1, [AdmissionRequest.Create],
                "virtualmachineinstances", InstanceAdmission.ValidateCreate),
            Validating("virtualmachineinstances-update-validator", "/virtualmachineinstances-validate-update", KubeVirt, V1, [AdmissionRequest.Update],
                "virtualmachineinstances", InstanceAdmission.ValidateUpdate),
            Validating("virtualmachine-validator", "/virtualmachines-validate", KubeVirt, V1, Write, "virtualmachines", machines.Validate),
            Validating("kubevirt-crd-status-validator", "/status-validate", KubeVirt, V1, Write, "virtualmachines/status", machines.ValidateStatus),
            Validating("virtualmachinereplicaset-validator", "/virtualmachinereplicaset-validate", KubeVirt, V1, Write, "virtualmachineinstancereplicasets", ReplicaSetAdmission.ReplicaSet),
            Validating("virtualmachinepool-validator", "/virtualmachinepool-validate", "pool.kubevirt.io", AlphaAndBeta, Write, "virtualmachinepools", PoolAdmission.Validate),
            Validating("virtualmachinepreset-validator", "/vmipreset-validate", KubeVirt, V1, Write, "virtualmachineinstancepresets", ReplicaSetAdmission.Preset),
            Validating("migration-create-validator", "/migration-validate-create", KubeVirt, V1, [AdmissionRequest.Create], "virtualmachineinstancemigrations", MigrationAdmission.ValidateCreate),
            Validating("migration-update-validator", "/migration-validate-update", KubeVirt, V1, [AdmissionRequest.Update], "virtualmachineinstancemigrations", MigrationAdmission.ValidateUpdate),
            Validating("migration-policy-validator", "/migration-policy-validate-create", "migrations.kubevirt.io", ["v1alpha1"], Write, "migrationpolicies", MigrationPolicyAdmission.Validate),
            Validating("virtualmachinesnapshot-validator", "/virtualmachinesnapshots-validate", "snapshot.kubevirt.io", AlphaAndBeta, Write, "virtualmachinesnapshots", SnapshotAdmission.Snapshot),
            Validating("virtualmachinerestore-validator", "/virtualmachinerestores-validate", "snapshot.kubevirt.io", AlphaAndBeta, Write, "virtualmachinerestores", RestoreAdmission.Validate),
            Validating("virtualmachineexport-validator", "/virtualmachineexports-validate", "export.kubevirt.io", ["v1beta1", "v1"], Write, "virtualmachineexports", SnapshotAdmission.Export),
            Validating("vm-clone-validator", "/vm-clone-validate-create", "clone.kubevirt.io", AlphaAndBeta, Write, "virtualmachineclones", CloneAdmission.Validate),
            Validating("kubevirt-create-validator", "/kubevirt-validate-create", KubeVirt, V1, [AdmissionRequest.Create], "kubevirts", KubeVirtAdmission.ValidateCreate),
            Validating("kubevirt-update-validator", "/kubevirt-validate-update", KubeVirt, V1, [AdmissionRequest.Update], "kubevirts", KubeVirtAdmission.ValidateUpdate),
            Validating("kubevirt-validator", "/kubevirt-validate-delete", KubeVirt, V1, [AdmissionRequest.Delete], "kubevirts", KubeVirtAdmission.ValidateDelete),
            .. Instancetypes("instancetype", InstancetypeAdmission.Instancetype), .. Instancetypes("preference", InstancetypeAdmission.Preference),
        ];
    }

    /// <summary>In the order in which the API server asks them: those that change objects first.</summary>
    public IReadOnlyList<Webhook> All { get; }

    private static IEnumerable<Webhook> Instancetypes(string what, Admitter admit) => new[] { "virtualmachine", "virtualmachinecluster" }.Select(scope =>
        Validating($"{scope}{what}-validator", $"/{scope}{what}s-validate", "instancetype.kubevirt.io", ["v1beta1"], Write, $"{scope}{what}s", admit));

    /// <summary>Other pods' evictions are none of our business, and must not wait for us.</summary>
    private static Webhook Evictions(string name, string condition, string prefix) =>
        Validating(name, "/pod-eviction-validate", "", ["v1"], [AdmissionRequest.Create], "pods/eviction", PodEviction.Validate) with
        {
            MatchCondition = (condition, $"object.metadata.name.startsWith(\"{prefix}\")"),
            SideEffects = "NoneOnDryRun",
        };

    private static Webhook Mutating(string name, string path, string group, string[] versions, string[] operations, string resource, Admitter admit) =>
        new(name, path, true, group, versions, operations, [resource], admit);

    private static Webhook Validating(string name, string path, string group, string[] versions, string[] operations, string resource, Admitter admit) =>
        new(name, path, false, group, versions, operations, [resource], admit);
}
