using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Export;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Snapshot;

namespace Troupe.ControlPlane.Admission.Storage;

/// <summary>Snapshots and exports of machines: what they are made of, and that they stay what they were.</summary>
internal static class SnapshotAdmission
{
    private static readonly FieldPath Source = FieldPath.Spec["source"];

    public static Task<AdmissionAnswer> Snapshot(AdmissionCall call, CancellationToken ct)
    {
        if (call.IsCreate && !call.Config.IsEnabled(FeatureGates.Snapshot))
            return Task.FromResult<AdmissionAnswer>(Verdict.Error("snapshot feature gate not enabled"));
        var (snapshot, refusal) = call.Read<VirtualMachineSnapshot>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(snapshot is null ? refusal! : Verdict.Of(call.IsCreate
            ? Machine(Source, snapshot.Spec?.Source)
            : Immutable(call.ReadOld<VirtualMachineSnapshot>()?.Spec, snapshot.Spec)));
    }

    public static Task<AdmissionAnswer> Export(AdmissionCall call, CancellationToken ct)
    {
        var (export, refusal) = call.Read<VirtualMachineExport>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(export is null ? refusal! : Verdict.Of(call.IsCreate
            ? Exported(export.Spec?.Source, call.Config)
            : Immutable(call.ReadOld<VirtualMachineExport>()?.Spec, export.Spec)));
    }

    /// <summary>A reference to a VirtualMachine.</summary>
    public static IEnumerable<StatusCause> Machine(FieldPath field, TypedLocalObjectReference? reference)
    {
        if (reference?.ApiGroup is not { } group)
            yield return Cause.NotFound(field["apiGroup"], "missing apiGroup");
        else if (group != "kubevirt.io")
            yield return Cause.Invalid(field["apiGroup"], "invalid apiGroup");
        else if (reference.Kind != "VirtualMachine")
            yield return Cause.Invalid(field["kind"], "invalid kind");
    }

    public static IEnumerable<StatusCause> Immutable<T>(T? old, T? spec) where T : ApiObject
    {
        if (!ApiEquality.Same(old, spec))
            yield return Cause.Invalid(FieldPath.Spec, "spec in immutable after creation");
    }

    private static IEnumerable<StatusCause> Exported(TypedLocalObjectReference? source, ClusterConfig config) => source?.Kind switch
    {
        "PersistentVolumeClaim" => Reference(source, "PVC", "PVC", null),
        "VirtualMachineSnapshot" => Reference(source, "VMSnapshot", "VMSnapshot", "snapshot.kubevirt.io"),
        "VirtualMachine" => Reference(source, "Virtual Machine", "VM", "kubevirt.io"),
        "VirtualMachineBackup" => Reference(source, "VirtualMachineBackup", "VirtualMachineBackup", "backup.kubevirt.io"),
        "VirtualMachineTemplate" when config.IsEnabled(FeatureGates.OCIExport) && config.VirtTemplateDeployment =>
            Reference(source, "VirtualMachineTemplate", "VirtualMachineTemplate", "template.kubevirt.io"),
        "VirtualMachineTemplate" =>
            [Cause.Invalid(Source["kind"], "VirtualMachineTemplate source requires the OCIExport feature gate and virt-template deployment to be enabled")],
        _ => [Cause.Invalid(Source["kind"], "invalid kind")],
    };

    /// <param name="group">Null: the core group, which has no name.</param>
    private static IEnumerable<StatusCause> Reference(TypedLocalObjectReference source, string nameOf, string groupOf, string? group)
    {
        if (source.Name.OrEmpty().Length == 0)
            yield return Cause.Invalid(Source["name"], $"{nameOf} name must not be empty");
        if (group is null && source.ApiGroup is { Length: > 0 })
            yield return Cause.Invalid(Source["APIGroup"], $"{groupOf} API group must be missing or blank");
        if (group is not null && source.ApiGroup != group)
            yield return Cause.Invalid(Source["APIGroup"], $"{groupOf} API group must be {group}");
    }
}
