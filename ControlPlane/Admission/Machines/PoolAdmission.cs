using System.Globalization;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>VirtualMachinePools.</summary>
internal static class PoolAdmission
{
    public static Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        var (pool, refusal) = call.Read<VirtualMachinePool>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(pool is null ? refusal! : Of(call, pool.Spec ?? new VirtualMachinePoolSpec()));
    }

    private static Verdict Of(AdmissionCall call, VirtualMachinePoolSpec spec)
    {
        if (spec.VirtualMachineTemplate is not { } template)
            return Verdict.Of([MachineRules.MissingTemplate(FieldPath.Spec)]);
        var machine = template.Spec ?? new VirtualMachineSpec();
        var instance = machine.Template?.Spec ?? new VirtualMachineInstanceSpec();
        return Verdict.Of(
            [
                .. MachineRules.Spec(FieldPath.Spec.At("virtualMachineTemplate", "spec"), machine, call.Config, call.BySystem),
                .. ReplicaSetAdmission.SelectorMatches(FieldPath.Spec["selector"], spec.Selector, template.Metadata),
                .. MaxUnavailable(FieldPath.Spec["maxUnavailable"], spec.MaxUnavailable),
                .. OneStrategy(FieldPath.Spec["updateStrategy"], ("opportunistic", spec.UpdateStrategy?.Opportunistic), ("proactive", spec.UpdateStrategy?.Proactive),
                    ("unmanaged", spec.UpdateStrategy?.Unmanaged)),
                .. OneStrategy(FieldPath.Spec["scaleInStrategy"], ("opportunistic", spec.ScaleInStrategy?.Opportunistic), ("proactive", spec.ScaleInStrategy?.Proactive),
                    ("unmanaged", spec.ScaleInStrategy?.Unmanaged)),
                .. call.IsUpdate ? SelectorStays(call.ReadOld<VirtualMachinePool>()?.Spec, spec) : [],
                .. call.IsCreate ? InstanceRules.DiscontinuedFeatures(instance, call.Config) : [],
            ],
            InstanceRules.Warnings(instance, call.Config));
    }

    private static IEnumerable<StatusCause> MaxUnavailable(FieldPath field, IntOrString? value)
    {
        var problem = value switch
        {
            null => null,
            { IsInteger: true, Text: var text } => int.Parse(text, CultureInfo.InvariantCulture) <= 0 ? "maxUnavailable must be greater than 0" : null,
            { Text: var text } when !text.EndsWith('%') => "maxUnavailable percentage must end with %",
            { Text: var text } when !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) =>
                $"maxUnavailable percentage value \"{text[..^1]}\" is invalid: strconv.Atoi: parsing \"{text[..^1]}\": invalid syntax",
            { Text: var text } => int.Parse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) is <= 0 or > 100
                ? $"maxUnavailable percentage value {int.Parse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)} must be between 1 and 100"
                : null,
        };
        if (problem is not null)
            yield return Cause.Invalid(field, problem);
    }

    private static IEnumerable<StatusCause> OneStrategy(FieldPath field, params IReadOnlyList<(string Name, object? Strategy)> strategies)
    {
        var set = strategies.Where(s => s.Strategy is not null).Select(s => s.Name).ToList();
        if (set.Count > 1)
            yield return Cause.Invalid(field, $"only one strategy can be configured at a time: but found {string.Join(", ", set)} strategies");
    }

    private static IEnumerable<StatusCause> SelectorStays(VirtualMachinePoolSpec? old, VirtualMachinePoolSpec spec)
    {
        if (!ApiEquality.Same(old?.Selector, spec.Selector))
            yield return Cause.Invalid(FieldPath.Spec["selector"], "selector is immutable after creation.");
    }
}
