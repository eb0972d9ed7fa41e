using System.Text.RegularExpressions;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission;

/// <summary>Label selectors: whether they are well formed, and what they match.</summary>
public static partial class LabelSelectors
{
    private const int MaxValue = 63;
    private const string ValuePattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

    public static IEnumerable<StatusCause> Problems(FieldPath field, LabelSelector? selector)
    {
        foreach (var (key, value) in selector?.MatchLabels ?? new Dictionary<string, string>())
        {
            foreach (var problem in Names.QualifiedNameProblems(key))
                yield return FieldErrors.Invalid(field["matchLabels"], key, problem);
            foreach (var problem in ValueProblems(value))
                yield return FieldErrors.Invalid(field["matchLabels"], value, problem);
        }

        foreach (var (index, requirement) in (selector?.MatchExpressions ?? []).Index())
        {
            foreach (var cause in Problems(field["matchExpressions"][index], requirement))
                yield return cause;
        }
    }

    /// <summary>Null and its problem when the selector can't be read; no selector matches nothing, an empty one everything.</summary>
    public static bool Matches(LabelSelector? selector, IReadOnlyDictionary<string, string>? labels)
    {
        if (selector is null)
            return false;
        var own = labels ?? new Dictionary<string, string>();
        return (selector.MatchLabels ?? new Dictionary<string, string>()).All(l => own.TryGetValue(l.Key, out var value) && value == l.Value)
            && (selector.MatchExpressions ?? []).All(e => Matches(e, own));
    }

    /// <summary>Why a selector can't be used at all, in the words of Kubernetes' selector parser; null when it can.</summary>
    public static string? ParseError(LabelSelector? selector) =>
        (selector?.MatchLabels ?? new Dictionary<string, string>()).Select(l => RequirementError(l.Key, null, [l.Value]))
            .Concat((selector?.MatchExpressions ?? []).Select(e => e.Operator is "In" or "NotIn" or "Exists" or "DoesNotExist"
                ? RequirementError(e.Key ?? "", e.Operator, e.Values ?? [])
                : $"{GoText.Quoted(e.Operator ?? "")} is not a valid label selector operator"))
            .FirstOrDefault(e => e is not null);

    private static string? RequirementError(string key, string? op, IReadOnlyList<string> values)
    {
        List<string> errors = [];
        if (Names.QualifiedNameProblems(key).ToList() is { Count: > 0 } problems)
            errors.Add($"key: Invalid value: {GoText.Quoted(key)}: {string.Join("; ", problems)}");
        if (op is "In" or "NotIn" && values.Count == 0)
            errors.Add("values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty");
        if (op is "Exists" or "DoesNotExist" && values.Count > 0)
            errors.Add($"values: Invalid value: [{string.Join(',', values.Select(GoText.Quoted))}]: values set must be empty for exists and does not exist");
        foreach (var (index, value) in values.Index())
        {
            if (ValueProblems(value).ToList() is { Count: > 0 } wrong)
                errors.Add($"values[{index}][{key}]: Invalid value: {GoText.Quoted(value)}: {string.Join("; ", wrong)}");
        }

        return GoText.Aggregate(errors);
    }

    private static bool Matches(LabelSelectorRequirement requirement, IReadOnlyDictionary<string, string> labels)
    {
        var value = labels.GetValueOrDefault(requirement.Key ?? "");
        return requirement.Operator switch
        {
            "In" => value is not null && requirement.Values?.Contains(value) is true,
            "NotIn" => value is null || requirement.Values?.Contains(value) is not true,
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            _ => false,
        };
    }

    private static IEnumerable<StatusCause> Problems(FieldPath field, LabelSelectorRequirement requirement)
    {
        var values = requirement.Values ?? [];
        if (requirement.Operator is "In" or "NotIn" && values.Count == 0)
            yield return FieldErrors.Required(field["values"], "must be specified when `operator` is 'In' or 'NotIn'");
        else if (requirement.Operator is "Exists" or "DoesNotExist" && values.Count > 0)
            yield return FieldErrors.Forbidden(field["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        else if (requirement.Operator is not ("In" or "NotIn" or "Exists" or "DoesNotExist"))
            yield return FieldErrors.Invalid(field["operator"], requirement.Operator ?? "", "not a valid selector operator");
        foreach (var problem in Names.QualifiedNameProblems(requirement.Key ?? ""))
            yield return FieldErrors.Invalid(field["key"], requirement.Key ?? "", problem);
        foreach (var (index, value) in values.Index())
        {
            foreach (var problem in ValueProblems(value))
                yield return FieldErrors.Invalid(field["values"][index], value, problem);
        }
    }

    private static IEnumerable<string> ValueProblems(string value)
    {
        if (value.Length > MaxValue)
            yield return $"must be no more than {MaxValue} characters";
        if (!Value().IsMatch(value))
        {
            yield return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                + $"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{ValuePattern}')";
        }
    }

    [GeneratedRegex($"^{ValuePattern}\\z")]
    private static partial Regex Value();
}
