using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Api;

/// <summary>The rules of label selectors, wherever in a built-in kind its schema has one.</summary>
internal static class SelectorRules
{
    public static void Check(JsonNode? value, Schema schema, string path, List<StatusCause> causes)
    {
        switch (value)
        {
            case JsonObject selector when schema.Model == "meta.v1.LabelSelector":
                CheckSelector(selector, path, causes);
                break;
            case JsonObject obj when schema.Properties.Count > 0:
                foreach (var (name, child) in obj)
                {
                    if (child is JsonObject or JsonArray && schema.Property(name) is { } property)
                        Check(child, property, path.Length == 0 ? name : $"{path}.{name}", causes);
                }
                break;
            case JsonArray array when schema.Items is { Model: not null } items:
                for (var i = 0; i < array.Count; i++)
                    Check(array[i], items, $"{path}[{i}]", causes);
                break;
        }
    }

    private static void CheckSelector(JsonObject selector, string path, List<StatusCause> causes)
    {
        foreach (var (key, value) in selector.Obj("matchLabels") ?? [])
        {
            if (Names.LabelKeyProblem(key) is { } keyProblem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{key}\": {keyProblem}", path + ".matchLabels"));
            if (Names.LabelValueProblem(value.AsString() ?? "") is { } valueProblem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: {value.Quoted()}: {valueProblem}", path + ".matchLabels"));
        }
        var expressions = selector.Arr("matchExpressions") ?? [];
        for (var i = 0; i < expressions.Count; i++)
        {
            var at = $"{path}.matchExpressions[{i}]";
            var values = expressions[i].Arr("values")?.Count ?? 0;
            switch (expressions[i].Str("operator"))
            {
                case "In" or "NotIn" when values == 0:
                    causes.Add(new("FieldValueRequired", "Required value: must be specified when `operator` is 'In' or 'NotIn'", at + ".values"));
                    break;
                case "Exists" or "DoesNotExist" when values > 0:
                    causes.Add(new("FieldValueForbidden", "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'", at + ".values"));
                    break;
                case "In" or "NotIn" or "Exists" or "DoesNotExist":
                    break;
                case var other:
                    causes.Add(new("FieldValueInvalid", $"Invalid value: \"{other}\": not a valid selector operator", at + ".operator"));
                    break;
            }
            if (Names.LabelKeyProblem(expressions[i].Str("key") ?? "") is { } problem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{expressions[i].Str("key")}\": {problem}", at + ".key"));
        }
    }
}
