using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>How a machine names its instancetype and preference.</summary>
internal static class MatcherRules
{
    private const string Stale = "the Matcher Name has been updated without updating the RevisionName";

    /// <summary>Those of the instancetype if there are any, else those of the preference.</summary>
    public static IReadOnlyList<StatusCause> Problems(VirtualMachineSpec? old, VirtualMachineSpec spec)
    {
        var (instancetype, preference) = (FieldPath.Spec["instancetype"], FieldPath.Spec["preference"]);
        return new[]
        {
            Change(instancetype, Of(old?.Instancetype), Of(spec.Instancetype)), Change(preference, Of(old?.Preference), Of(spec.Preference)),
            Matcher(instancetype, "InstancetypeMatcher", Of(spec.Instancetype)), Matcher(preference, "PreferenceMatcher", Of(spec.Preference)),
        }.Select(causes => causes.ToList()).FirstOrDefault(causes => causes.Count > 0) ?? [];
    }

    private static IEnumerable<StatusCause> Change(FieldPath field, Match? old, Match? match)
    {
        if (old is not null && match is { Revision.Length: > 0 } && old.Name != match.Name && old.Revision == match.Revision)
            yield return Cause.Invalid(field["revisionName"], Stale);
    }

    private static IEnumerable<StatusCause> Matcher(FieldPath field, string what, Match? match)
    {
        if (match is null)
            yield break;
        if (match is { Name: "", InferFrom: "" })
            yield return Cause.NotFound(field, $"Either Name or InferFromVolume should be provided within the {what}");
        if (match.InferFrom.Length > 0 && match.Name.Length > 0)
            yield return Cause.NotSupported(field["name"], "Name already set, should be cleared before setting inferFromVolume");
        if (match.InferFrom.Length > 0 && match.Kind.Length > 0)
            yield return Cause.NotSupported(field["kind"], "Kind already set, should be cleared before setting inferFromVolume");
        if (match.FailurePolicy is not (null or "Ignore" or "Reject"))
            yield return Cause.Invalid(field["inferFromVolumeFailurePolicy"], $"Invalid value '{match.FailurePolicy}' for InferFromVolumeFailurePolicy");
    }

    private static Match? Of(InstancetypeMatcher? m) =>
        m is null ? null : new Match(m.Name.OrEmpty(), m.Kind.OrEmpty(), m.RevisionName.OrEmpty(), m.InferFromVolume.OrEmpty(), m.InferFromVolumeFailurePolicy);

    private static Match? Of(PreferenceMatcher? m) =>
        m is null ? null : new Match(m.Name.OrEmpty(), m.Kind.OrEmpty(), m.RevisionName.OrEmpty(), m.InferFromVolume.OrEmpty(), m.InferFromVolumeFailurePolicy);

    private sealed record Match(string Name, string Kind, string Revision, string InferFrom, string? FailurePolicy);
}
