using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>A metav1.LabelSelector as it stands in an object: matchLabels and matchExpressions.</summary>
internal static class SelectorJson
{
    /// <summary>An empty selector matches everything; an absent one is for the caller to interpret.</summary>
    public static LabelSelector Parse(JsonObject? selector) => new(
    [
        .. (selector.Obj("matchLabels") ?? []).Select(l => new LabelRequirement(l.Key, "In", [l.Value.AsString() ?? ""])),
        .. (selector.Arr("matchExpressions") ?? []).Select(e => new LabelRequirement(
            e.Str("key") ?? "", e.Str("operator") ?? "", [.. e.Arr("values")?.Select(v => v.AsString() ?? "") ?? []])),
    ]);

    public static IEnumerable<StatusCause> Problems(JsonObject? selector, string path)
    {
        foreach (var (key, value) in selector.Obj("matchLabels") ?? [])
        {
            if (Names.LabelKeyProblem(key) is { } keyProblem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{key}\": {keyProblem}", path + ".matchLabels");
            if (Names.LabelValueProblem(value.AsString() ?? "") is { } valueProblem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{value.AsString()}\": {valueProblem}", path + ".matchLabels");
        }
        foreach (var (expression, i) in (selector.Arr("matchExpressions") ?? []).Select((e, i) => (e, i)))
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{path}.matchExpressions[{i}]");
            var values = expression.Arr("values") ?? [];
            if (Names.LabelKeyProblem(expression.Str("key") ?? "") is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{expression.Str("key")}\": {problem}", at + ".key");
            switch (expression.Str("operator"))
            {
                case "In" or "NotIn":
                    if (values.Count == 0)
                        yield return new("FieldValueRequired", "Required value: must be specified when `operator` is 'In' or 'NotIn'", at + ".values");
                    break;
                case "Exists" or "DoesNotExist":
                    if (values.Count > 0)
                        yield return new("FieldValueForbidden", "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'", at + ".values");
                    break;
                case var other:
                    yield return new("FieldValueInvalid", $"Invalid value: \"{other}\": not a valid selector operator", at + ".operator");
                    break;
            }
            for (var j = 0; j < values.Count; j++)
            {
                if (Names.LabelValueProblem(values[j].AsString() ?? "") is { } bad)
                    yield return new("FieldValueInvalid", $"Invalid value: \"{values[j].AsString()}\": {bad}", $"{at}.values[{j}]");
            }
        }
    }
}
