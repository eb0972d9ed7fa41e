using System.Text.Json.Serialization.Metadata;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Clone;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Export;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Api.Snapshot;

namespace Troupe.Kubernetes.Client;

/// <summary>Where a kind lives in the API and how it is read.</summary>
public sealed record KubeResource<T>(string Group, string Version, string Kind, string Plural, bool Namespaced, JsonTypeInfo<T> Json, JsonTypeInfo<KubeList<T>> ListJson)
    where T : KubeObject
{
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string Path(string? ns, string? name = null, string? subresource = null)
    {
        var root = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        var scope = Namespaced && ns is not null ? $"/namespaces/{Uri.EscapeDataString(ns)}" : "";
        var item = name is null ? "" : $"/{Uri.EscapeDataString(name)}";
        return $"{root}{scope}/{Plural}{item}{(subresource is null ? "" : "/" + subresource)}";
    }
}

/// <summary>The kinds that Troupe reads and writes.</summary>
public static class KubeResources
{
    private static readonly Dictionary<Type, object> All = new()
    {
        [typeof(VirtualMachineInstance)] = new KubeResource<VirtualMachineInstance>("kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances", true,
            ApiJson.Default.VirtualMachineInstance, ApiJson.Default.KubeListVirtualMachineInstance),
        [typeof(VirtualMachine)] = new KubeResource<VirtualMachine>("kubevirt.io", "v1", "VirtualMachine", "virtualmachines", true,
            ApiJson.Default.VirtualMachine, ApiJson.Default.KubeListVirtualMachine),
        [typeof(VirtualMachineInstanceReplicaSet)] = new KubeResource<VirtualMachineInstanceReplicaSet>("kubevirt.io", "v1", "VirtualMachineInstanceReplicaSet", "virtualmachineinstancereplicasets", true,
            ApiJson.Default.VirtualMachineInstanceReplicaSet, ApiJson.Default.KubeListVirtualMachineInstanceReplicaSet),
        [typeof(VirtualMachineInstancePreset)] = new KubeResource<VirtualMachineInstancePreset>("kubevirt.io", "v1", "VirtualMachineInstancePreset", "virtualmachineinstancepresets", true,
            ApiJson.Default.VirtualMachineInstancePreset, ApiJson.Default.KubeListVirtualMachineInstancePreset),
        [typeof(VirtualMachineInstanceMigration)] = new KubeResource<VirtualMachineInstanceMigration>("kubevirt.io", "v1", "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations", true,
            ApiJson.Default.VirtualMachineInstanceMigration, ApiJson.Default.KubeListVirtualMachineInstanceMigration),
        [typeof(KubeVirt)] = new KubeResource<KubeVirt>("kubevirt.io", "v1", "KubeVirt", "kubevirts", true,
            ApiJson.Default.KubeVirt, ApiJson.Default.KubeListKubeVirt),
        [typeof(VirtualMachinePool)] = new KubeResource<VirtualMachinePool>("pool.kubevirt.io", "v1beta1", "VirtualMachinePool", "virtualmachinepools", true,
            ApiJson.Default.VirtualMachinePool, ApiJson.Default.KubeListVirtualMachinePool),
        [typeof(VirtualMachineSnapshot)] = new KubeResource<VirtualMachineSnapshot>("snapshot.kubevirt.io", "v1beta1", "VirtualMachineSnapshot", "virtualmachinesnapshots", true,
            ApiJson.Default.VirtualMachineSnapshot, ApiJson.Default.KubeListVirtualMachineSnapshot),
        [typeof(VirtualMachineSnapshotContent)] = new KubeResource<VirtualMachineSnapshotContent>("snapshot.kubevirt.io", "v1beta1", "VirtualMachineSnapshotContent", "virtualmachinesnapshotcontents", true,
            ApiJson.Default.VirtualMachineSnapshotContent, ApiJson.Default.KubeListVirtualMachineSnapshotContent),
        [typeof(VirtualMachineRestore)] = new KubeResource<VirtualMachineRestore>("snapshot.kubevirt.io", "v1beta1", "VirtualMachineRestore", "virtualmachinerestores", true,
            ApiJson.Default.VirtualMachineRestore, ApiJson.Default.KubeListVirtualMachineRestore),
        [typeof(VirtualMachineExport)] = new KubeResource<VirtualMachineExport>("export.kubevirt.io", "v1", "VirtualMachineExport", "virtualmachineexports", true,
            ApiJson.Default.VirtualMachineExport, ApiJson.Default.KubeListVirtualMachineExport),
        [typeof(VirtualMachineClone)] = new KubeResource<VirtualMachineClone>("clone.kubevirt.io", "v1beta1", "VirtualMachineClone", "virtualmachineclones", true,
            ApiJson.Default.VirtualMachineClone, ApiJson.Default.KubeListVirtualMachineClone),
        [typeof(MigrationPolicy)] = new KubeResource<MigrationPolicy>("migrations.kubevirt.io", "v1alpha1", "MigrationPolicy", "migrationpolicies", false,
            ApiJson.Default.MigrationPolicy, ApiJson.Default.KubeListMigrationPolicy),
        [typeof(VirtualMachineInstancetype)] = new KubeResource<VirtualMachineInstancetype>("instancetype.kubevirt.io", "v1beta1", "VirtualMachineInstancetype", "virtualmachineinstancetypes", true,
            ApiJson.Default.VirtualMachineInstancetype, ApiJson.Default.KubeListVirtualMachineInstancetype),
        [typeof(VirtualMachineClusterInstancetype)] = new KubeResource<VirtualMachineClusterInstancetype>("instancetype.kubevirt.io", "v1beta1", "VirtualMachineClusterInstancetype", "virtualmachineclusterinstancetypes", false,
            ApiJson.Default.VirtualMachineClusterInstancetype, ApiJson.Default.KubeListVirtualMachineClusterInstancetype),
        [typeof(VirtualMachinePreference)] = new KubeResource<VirtualMachinePreference>("instancetype.kubevirt.io", "v1beta1", "VirtualMachinePreference", "virtualmachinepreferences", true,
            ApiJson.Default.VirtualMachinePreference, ApiJson.Default.KubeListVirtualMachinePreference),
        [typeof(VirtualMachineClusterPreference)] = new KubeResource<VirtualMachineClusterPreference>("instancetype.kubevirt.io", "v1beta1", "VirtualMachineClusterPreference", "virtualmachineclusterpreferences", false,
            ApiJson.Default.VirtualMachineClusterPreference, ApiJson.Default.KubeListVirtualMachineClusterPreference),
        [typeof(DataVolume)] = new KubeResource<DataVolume>("cdi.kubevirt.io", "v1beta1", "DataVolume", "datavolumes", true,
            ApiJson.Default.DataVolume, ApiJson.Default.KubeListDataVolume),
        [typeof(StorageProfile)] = new KubeResource<StorageProfile>("cdi.kubevirt.io", "v1beta1", "StorageProfile", "storageprofiles", false,
            ApiJson.Default.StorageProfile, ApiJson.Default.KubeListStorageProfile),
        [typeof(StorageClass)] = new KubeResource<StorageClass>("storage.k8s.io", "v1", "StorageClass", "storageclasses", false,
            ApiJson.Default.StorageClass, ApiJson.Default.KubeListStorageClass),
        [typeof(PersistentVolumeClaim)] = new KubeResource<PersistentVolumeClaim>("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true,
            ApiJson.Default.PersistentVolumeClaim, ApiJson.Default.KubeListPersistentVolumeClaim),
        [typeof(ControllerRevision)] = new KubeResource<ControllerRevision>("apps", "v1", "ControllerRevision", "controllerrevisions", true,
            ApiJson.Default.ControllerRevision, ApiJson.Default.KubeListControllerRevision),
        [typeof(Pod)] = new KubeResource<Pod>("", "v1", "Pod", "pods", true, ApiJson.Default.Pod, ApiJson.Default.KubeListPod),
        [typeof(Node)] = new KubeResource<Node>("", "v1", "Node", "nodes", false, ApiJson.Default.Node, ApiJson.Default.KubeListNode),
        [typeof(Event)] = new KubeResource<Event>("", "v1", "Event", "events", true, ApiJson.Default.Event, ApiJson.Default.KubeListEvent),
        [typeof(Lease)] = new KubeResource<Lease>("coordination.k8s.io", "v1", "Lease", "leases", true, ApiJson.Default.Lease, ApiJson.Default.KubeListLease),
        [typeof(Namespace)] = new KubeResource<Namespace>("", "v1", "Namespace", "namespaces", false, ApiJson.Default.Namespace, ApiJson.Default.KubeListNamespace),
        [typeof(ConfigMap)] = new KubeResource<ConfigMap>("", "v1", "ConfigMap", "configmaps", true, ApiJson.Default.ConfigMap, ApiJson.Default.KubeListConfigMap),
        [typeof(Secret)] = new KubeResource<Secret>("", "v1", "Secret", "secrets", true, ApiJson.Default.Secret, ApiJson.Default.KubeListSecret),
    };

    /// <exception cref="NotSupportedException">The kind is not in the table.</exception>
    public static KubeResource<T> Of<T>() where T : KubeObject => All.TryGetValue(typeof(T), out var resource)
        ? (KubeResource<T>)resource
        : throw new NotSupportedException($"{typeof(T).Name} is not in KubeResources");
}
