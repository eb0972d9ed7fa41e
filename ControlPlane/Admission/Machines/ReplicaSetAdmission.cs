using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>VirtualMachineInstanceReplicaSets and presets: templates of VMIs.</summary>
internal static class ReplicaSetAdmission
{
    public static Task<AdmissionAnswer> ReplicaSet(AdmissionCall call, CancellationToken ct)
    {
        var (set, refusal) = call.Read<VirtualMachineInstanceReplicaSet>();
        return Task.FromResult<AdmissionAnswer>(set is null ? refusal! : Of(call, set.Spec ?? new VirtualMachineInstanceReplicaSetSpec()));
    }

    public static Task<AdmissionAnswer> Preset(AdmissionCall call, CancellationToken ct)
    {
        var (preset, refusal) = call.Read<VirtualMachineInstancePreset>();
        return Task.FromResult<AdmissionAnswer>(preset is null ? refusal! : Verdict.Of(Of(preset.Spec)));
    }

    /// <summary>A controller must find what it made: its selector has to match its template's labels.</summary>
    public static IEnumerable<StatusCause> SelectorMatches(FieldPath field, LabelSelector? selector, ObjectMeta? template)
    {
        if (LabelSelectors.ParseError(selector) is { } error)
            yield return Cause.Invalid(field, error);
        else if (!LabelSelectors.Matches(selector, template?.Labels))
            yield return Cause.Invalid(field, "selector does not match labels.");
    }

    private static Verdict Of(AdmissionCall call, VirtualMachineInstanceReplicaSetSpec spec)
    {
        if (spec.Template is not { } template)
            return Verdict.Of([MachineRules.MissingTemplate(FieldPath.Spec)]);
        var instance = template.Spec ?? new VirtualMachineInstanceSpec();
        return Verdict.Of(
            [
                .. InstanceRules.TemplateAnnotations(FieldPath.Spec["template"], template, call.Config),
                .. InstanceRules.Spec(FieldPath.Spec.At("template", "spec"), instance, call.Config),
                .. SelectorMatches(FieldPath.Spec["selector"], spec.Selector, template.Metadata),
                .. call.IsCreate ? InstanceRules.DiscontinuedFeatures(instance, call.Config) : [],
            ],
            InstanceRules.Warnings(instance, call.Config));
    }

    private static IEnumerable<StatusCause> Of(VirtualMachineInstancePresetSpec? spec) => spec?.Domain is not { } domain
        ? [Cause.Required(FieldPath.Spec["domain"], "missing domain.")]
        :
        [
            .. DiskRules.Disks(FieldPath.Spec.At("domain", "devices", "disks"), domain.Devices?.Disks ?? []),
            .. FirmwareRules.Firmware(FieldPath.Spec.At("domain", "firmware"), domain.Firmware),
        ];
}
