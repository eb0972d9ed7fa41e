using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
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

namespace Troupe.Messages.Api;

/// <summary>How API objects look in JSON: camelCase, absent rather than null, times as Kubernetes writes them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(Rfc3339Converter)])]
[JsonSerializable(typeof(VirtualMachineInstance))]
[JsonSerializable(typeof(KubeList<VirtualMachineInstance>))]
[JsonSerializable(typeof(VirtualMachine))]
[JsonSerializable(typeof(KubeList<VirtualMachine>))]
[JsonSerializable(typeof(VirtualMachineInstanceReplicaSet))]
[JsonSerializable(typeof(KubeList<VirtualMachineInstanceReplicaSet>))]
[JsonSerializable(typeof(VirtualMachineInstancePreset))]
[JsonSerializable(typeof(KubeList<VirtualMachineInstancePreset>))]
[JsonSerializable(typeof(VirtualMachineInstanceMigration))]
[JsonSerializable(typeof(KubeList<VirtualMachineInstanceMigration>))]
[JsonSerializable(typeof(KubeVirt.KubeVirt))]
[JsonSerializable(typeof(KubeList<KubeVirt.KubeVirt>))]
[JsonSerializable(typeof(VirtualMachinePool))]
[JsonSerializable(typeof(KubeList<VirtualMachinePool>))]
[JsonSerializable(typeof(VirtualMachineSnapshot))]
[JsonSerializable(typeof(KubeList<VirtualMachineSnapshot>))]
[JsonSerializable(typeof(VirtualMachineSnapshotContent))]
[JsonSerializable(typeof(KubeList<VirtualMachineSnapshotContent>))]
[JsonSerializable(typeof(VirtualMachineRestore))]
[JsonSerializable(typeof(KubeList<VirtualMachineRestore>))]
[JsonSerializable(typeof(VirtualMachineExport))]
[JsonSerializable(typeof(KubeList<VirtualMachineExport>))]
[JsonSerializable(typeof(VirtualMachineInstancetype))]
[JsonSerializable(typeof(KubeList<VirtualMachineInstancetype>))]
[JsonSerializable(typeof(VirtualMachineClusterInstancetype))]
[JsonSerializable(typeof(KubeList<VirtualMachineClusterInstancetype>))]
[JsonSerializable(typeof(VirtualMachinePreference))]
[JsonSerializable(typeof(KubeList<VirtualMachinePreference>))]
[JsonSerializable(typeof(VirtualMachineClusterPreference))]
[JsonSerializable(typeof(KubeList<VirtualMachineClusterPreference>))]
[JsonSerializable(typeof(MigrationPolicy))]
[JsonSerializable(typeof(KubeList<MigrationPolicy>))]
[JsonSerializable(typeof(VirtualMachineClone))]
[JsonSerializable(typeof(KubeList<VirtualMachineClone>))]
[JsonSerializable(typeof(DataVolume))]
[JsonSerializable(typeof(KubeList<DataVolume>))]
[JsonSerializable(typeof(StorageProfile))]
[JsonSerializable(typeof(KubeList<StorageProfile>))]
[JsonSerializable(typeof(StorageClass))]
[JsonSerializable(typeof(KubeList<StorageClass>))]
[JsonSerializable(typeof(PersistentVolumeClaim))]
[JsonSerializable(typeof(KubeList<PersistentVolumeClaim>))]
[JsonSerializable(typeof(ControllerRevision))]
[JsonSerializable(typeof(KubeList<ControllerRevision>))]
[JsonSerializable(typeof(StartOptions))]
[JsonSerializable(typeof(StopOptions))]
[JsonSerializable(typeof(RestartOptions))]
[JsonSerializable(typeof(MigrateOptions))]
[JsonSerializable(typeof(EvacuateCancelOptions))]
[JsonSerializable(typeof(AddVolumeOptions))]
[JsonSerializable(typeof(VirtualMachineVolumeRequest))]
[JsonSerializable(typeof(RemoveVolumeOptions))]
[JsonSerializable(typeof(VirtualMachineMemoryDumpRequest))]
[JsonSerializable(typeof(PauseOptions))]
[JsonSerializable(typeof(UnpauseOptions))]
[JsonSerializable(typeof(FreezeUnfreezeTimeout))]
[JsonSerializable(typeof(SEVSessionOptions))]
[JsonSerializable(typeof(SEVSecretOptions))]
[JsonSerializable(typeof(SEVPlatformInfo))]
[JsonSerializable(typeof(SEVMeasurementInfo))]
[JsonSerializable(typeof(ObjectGraphNode))]
[JsonSerializable(typeof(ObjectGraphOptions))]
[JsonSerializable(typeof(VirtualMachineInstanceGuestAgentInfo))]
[JsonSerializable(typeof(VirtualMachineInstanceFileSystemInfo))]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(KubeList<Pod>))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(KubeList<Node>))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(KubeList<Event>))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(KubeList<Lease>))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(KubeList<Namespace>))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(KubeList<ConfigMap>))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(KubeList<Secret>))]
[JsonSerializable(typeof(Status))]
[JsonSerializable(typeof(JsonObject))]
public sealed partial class ApiJson : JsonSerializerContext;
