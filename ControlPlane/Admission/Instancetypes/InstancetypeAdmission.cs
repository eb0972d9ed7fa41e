using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>Instancetypes and preferences, of a namespace and of the cluster.</summary>
internal static class InstancetypeAdmission
{
    private const string LaunchSecurityWarning = "launchSecurity is deprecated and will be removed in a future release. Use preference instead.";

    public static Task<AdmissionAnswer> Instancetype(AdmissionCall call, CancellationToken ct)
    {
        var (obj, refusal) = call.Read<VirtualMachineInstancetype>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(obj is null ? refusal! : Of(obj.Spec ?? new VirtualMachineInstancetypeSpec()));
    }

    public static Task<AdmissionAnswer> Preference(AdmissionCall call, CancellationToken ct)
    {
        var (obj, refusal) = call.Read<VirtualMachinePreference>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(obj is null ? refusal! : Verdict.Of(PreferenceRules.All(obj.Spec), PreferenceRules.Warnings(obj.Spec)));
    }

    private static Verdict Of(VirtualMachineInstancetypeSpec spec) => Verdict.Of(Overcommit(spec), spec.LaunchSecurity is null ? [] : [LaunchSecurityWarning]);

    private static IEnumerable<StatusCause> Overcommit(VirtualMachineInstancetypeSpec spec)
    {
        var (field, percent) = (FieldPath.Spec.At("memory", "overcommitPercent"), spec.Memory?.OvercommitPercent ?? 0);
        if (percent is < 0 or > 100)
            yield return Cause.Invalid(field, $"{field} '{percent}': must be in range between 0 and 100.");
        if (percent != 0 && spec.Memory?.Hugepages is not null)
            yield return Cause.Invalid(field, $"{field} and {FieldPath.Spec.At("memory", "hugepages")} should not be requested together.");
    }
}
