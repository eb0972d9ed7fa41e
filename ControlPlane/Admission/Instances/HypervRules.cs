using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Hyper-V enlightenments and what each needs.</summary>
internal static class HypervRules
{
    public const string VmxFeature = "vmx";
    public const string RequirePolicy = "require";

    public static IEnumerable<StatusCause> All(InstanceContext c)
    {
        if (c.Domain.Features?.Hyperv is not { } hyperv)
            yield break;
        var field = c.DomainPath.At("features", "hyperv");
        // KubeVirt goes the way to the feature twice; clients see it so.
        var twice = field.At("domain", "features", "hyperv");
        foreach (var (feature, state, requirement, requirementState) in Requirements(hyperv))
        {
            if (state is true && requirementState is not true)
                yield return Cause.Invalid(twice[feature], $"'{twice[feature]}' requires '{twice[requirement]}', which was disabled.");
        }

        if (hyperv.Evmcs.IsOn())
        {
            foreach (var cause in NestedVmx(c))
                yield return cause;
        }

        if (c.Domain.Features.HypervPassthrough is not null)
            yield return Cause.Invalid(field, "Cannot explicitly set hyperV features if HypervPassthrough is being used. Please use either HyperV or HypervPassthrough.");
    }

    private static IEnumerable<StatusCause> NestedVmx(InstanceContext c)
    {
        if (c.Domain.Cpu?.Features is not { Count: > 0 } features)
        {
            yield return Cause.Required(new FieldPath("spec.domain.cpu.features"), $"{VmxFeature} cpu feature is required when evmcs is set");
            yield break;
        }

        foreach (var (index, _) in features.Index().Where(f => f.Item.Name == VmxFeature && f.Item.Policy != RequirePolicy))
            yield return Cause.Invalid(new FieldPath($"spec.domain.cpu.features[{index}].policy"), $"{VmxFeature} cpu feature has to be set to {RequirePolicy} policy");
    }

    /// <summary>Leaves first, so that a requirement of a requirement is seen after it was asked for.</summary>
    private static (string Feature, bool? State, string Requirement, bool? RequirementState)[] Requirements(FeatureHyperv h) =>
    [
        ("evmcs", h.Evmcs?.Enabled, "vapic", h.Vapic?.Enabled),
        ("ipi", h.Ipi?.Enabled, "vpindex", h.Vpindex?.Enabled),
        ("tlbflush", h.Tlbflush?.Enabled, "vpindex", h.Vpindex?.Enabled),
        ("synictimer", h.Synictimer?.Enabled, "synic", h.Synic?.Enabled),
        ("synic", h.Synic?.Enabled, "vpindex", h.Vpindex?.Enabled),
    ];
}
