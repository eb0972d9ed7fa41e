using System.Globalization;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;

namespace Troupe.ControlPlane.Admission.Migrations;

/// <summary>MigrationPolicies.</summary>
internal static class MigrationPolicyAdmission
{
    private const decimal Precision = 1000;

    public static Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        var (policy, refusal) = call.Read<MigrationPolicy>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(policy is null
            ? refusal!
            : Verdict.Of(All(call.ReadOld<MigrationPolicy>()?.Spec, policy.Spec ?? new MigrationPolicySpec(), call.Config)));
    }

    private static IEnumerable<StatusCause> All(MigrationPolicySpec? old, MigrationPolicySpec spec, ClusterConfig config)
    {
        var (mayDetect, mayTune) = (config.IsEnabled(FeatureGates.MigrationStallDetection), config.IsEnabled(FeatureGates.MigrationDowntimeTuning));
        if (spec.CompletionTimeoutPerGiB < 0)
            yield return Cause.Invalid(FieldPath.Spec["completionTimeoutPerGiB"], "must not be negative");
        if (spec.MaxDowntimeMs is not null && spec.MaxDowntimeMs != old?.MaxDowntimeMs && !mayDetect && !mayTune)
            yield return Cause.Invalid(FieldPath.Spec["maxDowntimeMs"], $"maxDowntimeMs cannot be modified without enabling the {FeatureGates.MigrationStallDetection} feature gate");
        if (spec.Experimental?.DowntimeTuning is { } tuning)
        {
            if (!mayTune && !ApiEquality.Same(old?.Experimental?.DowntimeTuning, tuning))
                yield return Cause.Invalid(FieldPath.Spec.At("experimental", "downtimeTuning"), $"experimental.downtimeTuning cannot be modified without enabling the {FeatureGates.MigrationDowntimeTuning} feature gate");
            if (spec.Experimental.StallDetector is not null)
                yield return Cause.Invalid(FieldPath.Spec["experimental"], "experimental.stallDetector and experimental.downtimeTuning are mutually exclusive; the stall detection path manages its own downtime schedule");
        }

        if (spec.Experimental?.StallDetector is { } detector)
        {
            var field = FieldPath.Spec.At("experimental", "stallDetector");
            if (!mayDetect && !ApiEquality.Same(old?.Experimental?.StallDetector, detector))
                yield return Cause.Invalid(field, $"experimental.stallDetector cannot be modified without enabling the {FeatureGates.MigrationStallDetection} feature gate");
            foreach (var cause in Factors(field, detector))
                yield return cause;
        }

        if (spec.BandwidthPerMigration is { Value: < 0 })
            yield return Cause.Invalid(FieldPath.Spec["bandwidthPerMigration"], "must not be negative");
    }

    private static IEnumerable<StatusCause> Factors(FieldPath field, StallDetectorOptions detector)
    {
        (string Name, Quantity? Value, decimal Smallest, bool IsAbove, decimal? Largest)[] factors =
        [
            ("ewmaAlpha", detector.EwmaAlpha, 0, true, 1), ("precopyPossibleFactor", detector.PrecopyPossibleFactor, 1, false, null),
            ("patienceWindowDecayFactor", detector.PatienceWindowDecayFactor, 0, false, 1), ("completionTimeoutFactor", detector.CompletionTimeoutFactor, 1, false, null),
        ];
        foreach (var (name, value, smallest, isAbove, largest) in factors)
        {
            if (value is { } factor && Problem(factor.Text.Trim(), smallest, isAbove, largest) is { } problem)
                yield return Cause.Invalid(field[name], problem);
        }
    }

    private static string? Problem(string text, decimal smallest, bool isAbove, decimal? largest)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            return $"invalid factor \"{text}\": strconv.ParseFloat: parsing {GoText.Quoted(text)}: invalid syntax";
        if (value * Precision != decimal.Truncate(value * Precision))
            return $"invalid factor \"{text}\": must have at most 3 decimal places";
        if (isAbove && value <= smallest)
            return "must be greater than 0";
        if (value < smallest)
            return $"must be greater than or equal to {smallest}";
        return value > largest ? $"must be less than or equal to {largest}" : null;
    }
}
