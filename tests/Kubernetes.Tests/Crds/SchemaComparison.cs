using System.Text.Json.Nodes;

namespace Troupe.Kubernetes.Tests.Crds;

/// <summary>Two structural schemas, field by field; descriptions are no part of the contract.</summary>
internal sealed class SchemaComparison
{
    private readonly List<string> _differences = [];

    /// <summary>Fields of the expected schema.</summary>
    public int Fields { get; private set; }

    /// <summary>Those of them that the actual schema has.</summary>
    public int Found { get; private set; }

    /// <summary>One line each, in the form `spec.template.spec: x-kubernetes-list-type "atomic" is missing`.</summary>
    public IReadOnlyList<string> Differences => _differences;

    public static SchemaComparison Of(JsonObject expected, JsonObject actual)
    {
        var comparison = new SchemaComparison();
        comparison.Compare(expected, actual, "");
        return comparison;
    }

    private void Compare(JsonObject expected, JsonObject actual, string path)
    {
        foreach (var keyword in expected.Select(p => p.Key).Union(actual.Select(p => p.Key)).Except(["description", "properties", "items", "additionalProperties"]))
        {
            var (want, have) = (Canonical(keyword, expected[keyword]), Canonical(keyword, actual[keyword]));
            if (want != have)
                _differences.Add($"{path}: {keyword} is {have ?? "absent"} instead of {want ?? "absent"}");
        }

        foreach (var nested in (string[])["items", "additionalProperties"])
        {
            if (expected[nested] is JsonObject want && actual[nested] is JsonObject have)
                Compare(want, have, path + (nested == "items" ? "[]" : "{}"));
            else if (expected[nested] is not null != actual[nested] is not null)
                _differences.Add($"{path}: {nested} is {(actual[nested] is null ? "missing" : "too much")}");
        }

        var (fields, ours) = (expected["properties"]?.AsObject() ?? [], actual["properties"]?.AsObject() ?? []);
        foreach (var (name, schema) in fields)
        {
            Fields++;
            if (ours[name] is not JsonObject own)
            {
                _differences.Add($"{path}.{name}: the field is missing");
                continue;
            }

            Found++;
            Compare(schema!.AsObject(), own, $"{path}.{name}");
        }

        foreach (var extra in ours.Select(p => p.Key).Where(k => !fields.ContainsKey(k)))
            _differences.Add($"{path}.{extra}: the field is unknown to KubeVirt");
    }

    /// <summary>Order has no meaning in sets of names; map keys keep theirs.</summary>
    private static string? Canonical(string keyword, JsonNode? value) => value switch
    {
        null => null,
        JsonArray set when keyword is "required" or "enum" => string.Join(",", set.Select(v => v!.ToJsonString()).Order(StringComparer.Ordinal)),
        JsonArray rules when keyword is "x-kubernetes-validations" => string.Join(";", rules.Select(r => $"{r!["rule"]} -> {r["message"]}")),
        _ => value.ToJsonString(),
    };
}
