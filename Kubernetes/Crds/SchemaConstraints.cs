using System.Reflection;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Crds;

/// <summary>What the model's attributes say about a field beyond its type.</summary>
internal static class SchemaConstraints
{
    public static void Apply(PropertyInfo property, JsonObject schema)
    {
        foreach (var attribute in property.GetCustomAttributes())
            Apply(attribute, schema);
    }

    private static void Apply(Attribute attribute, JsonObject schema)
    {
        switch (attribute)
        {
            case ListMapKeysAttribute map:
                schema["x-kubernetes-list-type"] = "map";
                schema["x-kubernetes-list-map-keys"] = Texts(map.Keys);
                RequireKeys(schema["items"]!.AsObject(), map.Keys);
                break;
            case ListTypeAttribute list:
                schema["x-kubernetes-list-type"] = list.Type;
                break;
            case ApiEnumAttribute allowed:
                schema["enum"] = Texts(allowed.Values);
                break;
            case ApiDefaultAttribute value:
                schema["default"] = JsonNode.Parse(value.Json);
                break;
            case ApiNullableAttribute:
                schema["nullable"] = true;
                break;
            case PreserveUnknownFieldsAttribute:
                schema["x-kubernetes-preserve-unknown-fields"] = true;
                break;
            case ApiMinimumAttribute minimum:
                schema["minimum"] = minimum.Value;
                break;
            case ApiMaximumAttribute maximum:
                schema["maximum"] = maximum.Value;
                break;
            case ApiMaxItemsAttribute items:
                schema["maxItems"] = items.Value;
                break;
            case ApiMinLengthAttribute length:
                schema["minLength"] = length.Value;
                break;
            case ApiMaxLengthAttribute length:
                schema["maxLength"] = length.Value;
                break;
            case ApiPatternAttribute pattern:
                schema["pattern"] = pattern.Pattern;
                break;
            case ApiFormatAttribute format when Leaf(schema) is var leaf:
                leaf.Remove("format");
                if (format.Format.Length > 0)
                    leaf["format"] = format.Format;
                break;
            case ApiRuleAttribute rule:
                if (schema["x-kubernetes-validations"] is not JsonArray rules)
                    schema["x-kubernetes-validations"] = rules = [];
                rules.Add(new JsonObject { ["rule"] = rule.Rule, ["message"] = rule.Message });
                break;
        }
    }

    /// <summary>The API server merges by these keys, so every item must have them.</summary>
    private static void RequireKeys(JsonObject items, IReadOnlyList<string> keys)
    {
        var required = items["required"]?.AsArray().Select(r => (string)r!).ToList() ?? [];
        required.AddRange(keys.Where(k => !required.Contains(k) && items["properties"]?[k]?["default"] is null));
        items["required"] = Texts(required);
    }

    /// <summary>A format is that of a list's or map's elements.</summary>
    private static JsonObject Leaf(JsonObject schema) => (schema["items"] ?? schema["additionalProperties"]) is JsonObject element ? Leaf(element) : schema;

    private static JsonArray Texts(IEnumerable<string> values) => [.. values.Select(v => (JsonNode)v)];
}
