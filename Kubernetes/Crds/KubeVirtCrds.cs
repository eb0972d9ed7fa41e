using System.Text.Json.Nodes;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Clone;
using Troupe.Messages.Api.Export;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Migrations;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Api.Snapshot;

namespace Troupe.Kubernetes.Crds;

/// <summary>The CustomResourceDefinitions that Troupe installs, made from the model.</summary>
public static class KubeVirtCrds
{
    private static readonly CrdVersion[] Core = [new("v1", Storage: true), new("v1alpha3", Deprecated: true)];
    private static readonly CrdVersion[] Beta = [new("v1beta1", Storage: true), new("v1alpha1")];
    private static readonly CrdVersion[] OnlyBeta = [new("v1beta1", Storage: true)];
    private static readonly CrdColumn Phase = new("Phase", "string", ".status.phase");
    private static readonly CrdColumn ReadyToUse = new("ReadyToUse", "boolean", ".status.readyToUse");
    private static readonly CrdColumn CreationTime = new("CreationTime", "date", ".status.creationTime");
    private static readonly CrdColumn Error = new("Error", "string", ".status.error.message");
    private static readonly CrdColumn SourceKind = new("SourceKind", "string", ".spec.source.kind");
    private static readonly CrdColumn SourceName = new("SourceName", "string", ".spec.source.name");
    private static readonly CrdColumn[] Replicas =
    [
        new("Desired", "integer", ".spec.replicas"), new("Current", "integer", ".status.replicas"),
        new("Ready", "integer", ".status.readyReplicas"), CrdColumn.Age,
    ];

    public static IReadOnlyList<CrdDefinition> Definitions { get; } =
    [
        new("kubevirt.io", typeof(VirtualMachine), "virtualmachines", Core)
        {
            ShortNames = ["vm", "vms"],
            Columns = [CrdColumn.Age, new("Status", "string", ".status.printableStatus"), CrdColumn.Condition("Ready")],
        },
        new("kubevirt.io", typeof(VirtualMachineInstance), "virtualmachineinstances", Core)
        {
            ShortNames = ["vmi", "vmis"],
            Status = false,
            Columns =
            [
                CrdColumn.Age, Phase, new("IP", "string", ".status.interfaces[0].ipAddress"), new("NodeName", "string", ".status.nodeName"),
                CrdColumn.Condition("Ready"), new("Live-Migratable", "string", ".status.conditions[?(@.type=='LiveMigratable')].status", 1), CrdColumn.Condition("Paused", 1),
            ],
        },
        new("kubevirt.io", typeof(VirtualMachineInstanceReplicaSet), "virtualmachineinstancereplicasets", Core)
        {
            ShortNames = ["vmirs", "vmirss"],
            Scale = true,
            Columns = Replicas,
        },
        new("kubevirt.io", typeof(VirtualMachineInstancePreset), "virtualmachineinstancepresets", [new("v1", Deprecated: true), new("v1alpha3", Storage: true)])
        {
            ShortNames = ["vmipreset", "vmipresets"],
            Status = false,
        },
        new("kubevirt.io", typeof(VirtualMachineInstanceMigration), "virtualmachineinstancemigrations", Core)
        {
            ShortNames = ["vmim", "vmims"],
            Columns = [Phase, new("VMI", "string", ".spec.vmiName")],
        },
        new("kubevirt.io", typeof(KubeVirt), "kubevirts", Core)
        {
            ShortNames = ["kv", "kvs"],
            Columns = [CrdColumn.Age, Phase],
        },
        new("pool.kubevirt.io", typeof(VirtualMachinePool), "virtualmachinepools", Beta)
        {
            ShortNames = ["vmpool", "vmpools"],
            Scale = true,
            Columns = Replicas,
        },
        new("snapshot.kubevirt.io", typeof(VirtualMachineSnapshot), "virtualmachinesnapshots", Beta)
        {
            ShortNames = ["vmsnapshot", "vmsnapshots"],
            Columns = [SourceKind, SourceName, Phase, ReadyToUse, CreationTime, Error],
        },
        new("snapshot.kubevirt.io", typeof(VirtualMachineSnapshotContent), "virtualmachinesnapshotcontents", Beta)
        {
            ShortNames = ["vmsnapshotcontent", "vmsnapshotcontents"],
            Columns = [ReadyToUse, CreationTime, Error],
        },
        new("snapshot.kubevirt.io", typeof(VirtualMachineRestore), "virtualmachinerestores", Beta)
        {
            ShortNames = ["vmrestore", "vmrestores"],
            Columns =
            [
                new("TargetKind", "string", ".spec.target.kind"), new("TargetName", "string", ".spec.target.name"),
                new("Complete", "boolean", ".status.complete"), new("RestoreTime", "date", ".status.restoreTime"),
            ],
        },
        new("export.kubevirt.io", typeof(VirtualMachineExport), "virtualmachineexports", [new("v1", Storage: true), new("v1beta1", Deprecated: true)])
        {
            ShortNames = ["vmexport", "vmexports"],
            Columns = [SourceKind, SourceName, Phase],
        },
        new("instancetype.kubevirt.io", typeof(VirtualMachineInstancetype), "virtualmachineinstancetypes", OnlyBeta)
        {
            ShortNames = ["vminstancetype", "vminstancetypes", "vmf", "vmfs"],
            Status = false,
        },
        new("instancetype.kubevirt.io", typeof(VirtualMachineClusterInstancetype), "virtualmachineclusterinstancetypes", OnlyBeta)
        {
            ShortNames = ["vmclusterinstancetype", "vmclusterinstancetypes", "vmcf", "vmcfs"],
            Namespaced = false,
            Status = false,
        },
        new("instancetype.kubevirt.io", typeof(VirtualMachinePreference), "virtualmachinepreferences", OnlyBeta)
        {
            ShortNames = ["vmpref", "vmprefs", "vmp", "vmps"],
            Status = false,
        },
        new("instancetype.kubevirt.io", typeof(VirtualMachineClusterPreference), "virtualmachineclusterpreferences", OnlyBeta)
        {
            ShortNames = ["vmcp", "vmcps"],
            Namespaced = false,
            Status = false,
        },
        new("migrations.kubevirt.io", typeof(MigrationPolicy), "migrationpolicies", [new("v1alpha1", Storage: true)]) { Namespaced = false },
        new("clone.kubevirt.io", typeof(VirtualMachineClone), "virtualmachineclones", Beta)
        {
            ShortNames = ["vmclone", "vmclones"],
            Columns = [Phase, new("SourceVirtualMachine", "string", ".spec.source.name"), new("TargetVirtualMachine", "string", ".spec.target.name")],
        },
        new("cdi.kubevirt.io", typeof(DataVolume), "datavolumes", OnlyBeta)
        {
            ShortNames = ["dv", "dvs"],
            OwnedElsewhere = true,
            Columns = [Phase, new("Progress", "string", ".status.progress"), new("Restarts", "integer", ".status.restartCount"), CrdColumn.Age],
        },
    ];

    /// <summary>By file name, as they stand in `deploy/crds`.</summary>
    public static IReadOnlyDictionary<string, JsonObject> All { get; } = Generate();

    private static Dictionary<string, JsonObject> Generate()
    {
        var generator = new SchemaGenerator(XmlDocumentation.Of(typeof(VirtualMachineInstance).Assembly));
        return Definitions.ToDictionary(d => d.FileName, d => d.ToJson(generator));
    }
}
