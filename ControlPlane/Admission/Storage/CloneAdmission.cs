using System.Text.Json;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Clone;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Storage;

/// <summary>VirtualMachineClones.</summary>
internal static class CloneAdmission
{
    private const string Machine = "VirtualMachine";
    private const int SuffixLength = 5;
    private const string SuffixCharacters = "bcdfghjklmnpqrstvwxz2456789";

    public static Task<AdmissionAnswer> Mutate(AdmissionCall call, CancellationToken ct)
    {
        var (clone, refusal) = call.Read<VirtualMachineClone>(hasSchema: false);
        if (clone is null)
            return Task.FromResult<AdmissionAnswer>(refusal!);
        var spec = clone.Spec!;
        var target = spec.Target ?? new TypedLocalObjectReference { ApiGroup = "kubevirt.io", Kind = Machine };
        if (target.Name is { Length: > 0 })
            return Task.FromResult(AdmissionAnswer.Allowed);
        var name = $"clone-{spec.Source?.Name}-{string.Concat(Random.Shared.GetItems(SuffixCharacters.AsSpan(), SuffixLength))}";
        return Task.FromResult(new AdmissionAnswer(Verdict.Allowed, clone with { Spec = spec with { Target = target with { Name = name } } }));
    }

    public static Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        if (call.IsCreate && !call.Config.IsEnabled(FeatureGates.Snapshot))
            return Task.FromResult<AdmissionAnswer>(Verdict.Error("snapshot feature gate is not enabled"));
        var (clone, refusal) = call.Read<VirtualMachineClone>(hasSchema: false);
        return Task.FromResult<AdmissionAnswer>(clone is null ? refusal! : Verdict.Of(All(clone.Spec ?? new VirtualMachineCloneSpec())));
    }

    private static IEnumerable<StatusCause> All(VirtualMachineCloneSpec spec) =>
    [
        .. Filters("spec.annotations", spec.AnnotationFilters), .. Filters("spec.labels", spec.LabelFilters),
        .. Filters("spec.template.annotations", spec.Template?.AnnotationFilters), .. Filters("spec.template.labels", spec.Template?.LabelFilters),
        .. References(spec.Source, spec.Target), .. MacAddresses(spec), .. Patches(spec),
    ];

    private static IEnumerable<StatusCause> Filters(string field, IReadOnlyList<string>? filters)
    {
        var path = new FieldPath(field);
        foreach (var filter in filters ?? [])
        {
            if (filter.Length == 0)
                yield return Cause.Invalid(path, "an empty string is not a valid filter");
            else if (filter == "!")
                yield return Cause.Invalid(path, "a negation character is not a valid filter");
            else if (filter[1..].Contains('!', StringComparison.Ordinal))
                yield return Cause.Invalid(path, Misplaced("negation", "!", "NegationChar can be only used at the beginning of the filter"));
            if (filter.Length > 1 && filter[..^1].Contains('*', StringComparison.Ordinal))
                yield return Cause.Invalid(path, Misplaced("wildcard", "*", "WildcardChar can be only at the end of the filter"));

            string Misplaced(string what, string character, string rule) => $"{field} filter {filter} is invalid: cannot contain a {what} character ({character}); FilterRules: {rule}";
        }
    }

    private static IEnumerable<StatusCause> References(TypedLocalObjectReference? source, TypedLocalObjectReference? target)
    {
        var (sourceField, targetField) = (FieldPath.Spec["Source"], FieldPath.Spec["Target"]);
        if (source is null)
        {
            yield return Cause.Invalid(sourceField, "Source cannot be nil");
            yield break;
        }

        if (source.Kind is not (Machine or "VirtualMachineSnapshot"))
            yield return Cause.Invalid(sourceField["Kind"], "Source kind is not supported");
        if (target is not null && target.Kind != Machine)
            yield return Cause.Invalid(targetField["Kind"], "Target kind is not supported");
        if (source.ApiGroup is null or "")
            yield return Cause.Invalid(sourceField["APIGroup"], "Source's APIGroup cannot be empty");
        if (source.Kind is null or "")
            yield return Cause.Invalid(sourceField, "Source's Kind cannot be empty");
        if (source.Name is null or "")
            yield return Cause.Invalid(sourceField["Name"], "Source's name cannot be empty");
        if (target is not null && source.Kind == Machine && target.Kind == Machine && source.Name == target.Name)
            yield return Cause.Invalid(FieldPath.Spec.At("target", "name"), "Target name cannot be equal to source name when both are VirtualMachines");
    }

    private static IEnumerable<StatusCause> MacAddresses(VirtualMachineCloneSpec spec) =>
        (spec.NewMacAddresses ?? new Dictionary<string, string>()).Where(m => Names.MacAddressProblem(m.Value) is not null)
            .Select(m => Cause.Invalid(FieldPath.Spec["newMacAddresses"][m.Key], $"interface {m.Key} has malformed MAC address ({m.Value})."));

    private static IEnumerable<StatusCause> Patches(VirtualMachineCloneSpec spec) =>
        (spec.Patches ?? []).Index().Where(p => !IsJson(p.Item)).Select(p => Cause.Invalid(FieldPath.Spec["patches"][p.Index], $"patch is not valid JSON ({p.Item})"));

    private static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
