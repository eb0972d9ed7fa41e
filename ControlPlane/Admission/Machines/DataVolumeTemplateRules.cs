using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>DataVolumes that a machine brings along.</summary>
internal static class DataVolumeTemplateRules
{
    public static IEnumerable<StatusCause> All(FieldPath path, VirtualMachineSpec spec) =>
        (spec.DataVolumeTemplates ?? []).Index().Select(t => Problem(path["dataVolumeTemplate"][t.Index], t.Item, spec)).OfType<StatusCause>();

    /// <summary>A template's namespace is the machine's; a spec that does not touch the templates keeps what it has.</summary>
    public static IEnumerable<StatusCause> Namespaces(VirtualMachine? old, VirtualMachine vm)
    {
        if (old is not null && ApiEquality.Same(old.Spec?.DataVolumeTemplates, vm.Spec?.DataVolumeTemplates))
            return [];
        return (vm.Spec?.DataVolumeTemplates ?? []).Index()
            .Where(t => t.Item.Metadata?.Namespace is { Length: > 0 } ns && ns != vm.Metadata.Namespace)
            .Select(t => Cause.Invalid(FieldPath.Spec["dataVolumeTemplates"][t.Index],
                $"Embedded DataVolume namespace {t.Item.Metadata!.Namespace} differs from VM namespace {vm.Metadata.Namespace}"));
    }

    private static StatusCause? Problem(FieldPath field, DataVolumeTemplateSpec template, VirtualMachineSpec machine)
    {
        var name = template.Metadata?.Name.OrEmpty() ?? "";
        if (name.Length == 0)
            return Cause.Required(field["name"], $"'name' field must not be empty for DataVolumeTemplate entry {field["name"]}.");
        if (Content(field, template.Spec ?? new DataVolumeSpec()) is { } problem)
            return problem;
        return machine.Template?.Spec?.Volumes?.Any(v => v.PersistentVolumeClaim?.ClaimName == name || v.DataVolume?.Name == name) is true
            ? null
            : Cause.Required(field, $"DataVolumeTemplate entry {field} must be referenced in the VMI template's 'volumes' list");
    }

    private static StatusCause? Content(FieldPath field, DataVolumeSpec spec)
    {
        var storage = field.At("PVC", "Storage");
        if (spec is { Pvc: null, Storage: null })
            return Cause.Invalid(storage, "Missing Data volume PVC or Storage");
        if (spec is { Pvc: not null, Storage: not null })
            return Cause.Invalid(storage, "Duplicate storage definition, both target storage and target pvc defined");
        var isPopulated = spec.Pvc is { } pvc ? pvc.DataSource is not null || pvc.DataSourceRef is not null : spec.Storage!.DataSource is not null || spec.Storage.DataSourceRef is not null;
        var hasSource = spec.Source is not null || spec.SourceRef is not null;
        if (isPopulated && hasSource)
            return Cause.Invalid(field["source"], "External population is incompatible with Source and SourceRef");
        if (!isPopulated && !hasSource)
            return Cause.Invalid(field.At("source", "sourceRef"), "Data volume should have either Source, SourceRef, or be externally populated");
        return spec.Source is null ? null : Sources(spec.Source).Count(s => s is not null) switch
        {
            0 => Cause.Invalid(field["source"], "Missing dataVolume valid source"),
            1 => null,
            _ => Cause.Invalid(field["source"], "Multiple dataVolume sources"),
        };
    }

    private static object?[] Sources(DataVolumeContentSource s) => [s.Blank, s.Gcs, s.Http, s.Imageio, s.Pvc, s.Registry, s.S3, s.Snapshot, s.Upload, s.Vddk];
}
