using System.Text.Json;
using System.Text.RegularExpressions;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Schema;

/// <summary>
/// What is wrong with an object's JSON before any rule is asked. The API server has already dropped what it does not know; what is left may
/// lack required fields or have values of the wrong kind.
/// </summary>
internal static partial class SchemaCheck
{
    private static readonly HashSet<string> TopLevel = ["apiVersion", "kind", "metadata", "spec", "status"];

    /// <summary>The schema's complaints, each once: they do not say which item of a list is meant.</summary>
    /// <param name="hasSchema">False for kinds that KubeVirt's own check has no schema of; the API server's is the only one.</param>
    public static IEnumerable<StatusCause> Problems(JsonElement obj, SchemaNode kind, bool hasSchema) => All(obj, kind, hasSchema).DistinctBy(c => c.Message);

    private static IEnumerable<StatusCause> All(JsonElement obj, SchemaNode kind, bool hasSchema)
    {
        foreach (var member in obj.EnumerateObject().Where(m => !TopLevel.Contains(m.Name)))
            yield return Cause.Schema($".{member.Name} in body is a forbidden property");
        if (!obj.TryGetProperty("spec", out _))
            yield return Cause.Schema("spec in body is required");
        if (!hasSchema)
            yield break;
        foreach (var part in new[] { "spec", "status" })
        {
            if (!obj.TryGetProperty(part, out var value) || !kind.Properties.TryGetValue(part, out var property))
                continue;
            foreach (var cause in Problems(part, value, property.Node, []))
                yield return cause;
        }
    }

    /// <summary>The first value that can't be read into its type although the schema let it pass; null when all can.</summary>
    public static string? ReadProblem(JsonElement obj, SchemaNode kind) => ReadProblem("", obj, kind, kind.TypeName);

    private static IEnumerable<StatusCause> Problems(string path, JsonElement value, SchemaNode node, IReadOnlyList<string> allowed)
    {
        if (value.ValueKind is JsonValueKind.Null || node.Kind is SchemaKind.Any)
            yield break;
        if (!Fits(value, node.Kind))
        {
            yield return Cause.Schema($"{path} in body must be of type {Name(node.Kind)}: \"{Name(value)}\"");
            yield break;
        }

        if (node.Kind is SchemaKind.Text && allowed.Count > 0 && !allowed.Contains(value.GetString()!))
            yield return Cause.Schema($"{path} in body should be one of [{string.Join(' ', allowed)}]");
        var children = node.Kind switch
        {
            SchemaKind.List => value.EnumerateArray().SelectMany(item => Problems(path, item, node.Items!, allowed)),
            SchemaKind.Map => value.EnumerateObject().SelectMany(entry => Problems($"{path}.{entry.Name}", entry.Value, node.Items!, [])),
            SchemaKind.Object => Members(path, value, node),
            _ => [],
        };
        foreach (var cause in children)
            yield return cause;
    }

    private static IEnumerable<StatusCause> Members(string path, JsonElement value, SchemaNode node)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (node.Properties.TryGetValue(member.Name, out var property))
            {
                foreach (var cause in Problems($"{path}.{member.Name}", member.Value, property.Node, property.Allowed))
                    yield return cause;
            }
        }

        // A text, number or flag that is missing has its zero value as default, so its absence is a matter for the rules.
        foreach (var required in node.Properties.Values.Where(p => p.IsRequired && !HasZeroDefault(p.Node.Kind) && !value.TryGetProperty(p.Name, out _)))
            yield return Cause.Schema($"{path}.{required.Name} in body is required");
    }

    private static string? ReadProblem(string path, JsonElement value, SchemaNode node, string owner)
    {
        if (value.ValueKind is JsonValueKind.Null || node.Kind is SchemaKind.Any)
            return null;
        if (node.Kind is SchemaKind.Quantity && value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
            return Quantities.Problem(value.ValueKind is JsonValueKind.String ? value.GetString()! : value.GetRawText());
        if (node is { Kind: SchemaKind.Text, TypeName: nameof(Duration) } && value.ValueKind is JsonValueKind.String && !Duration.TryParse(value.GetString(), out _))
            return DurationProblem(value.GetString()!);
        if (!Fits(value, node.Kind))
            return $"json: cannot unmarshal {GoName(value)} into Go struct field {owner}.{path} of type {node.TypeName}";
        return node.Kind switch
        {
            SchemaKind.Integer when !value.TryGetDecimal(out var number) || number < node.Range.Smallest || number > node.Range.Largest || number != decimal.Truncate(number)
                || value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') >= 0
                => $"json: cannot unmarshal number {value.GetRawText()} into Go struct field {owner}.{path} of type {node.TypeName}",
            SchemaKind.List => value.EnumerateArray().Select(item => ReadProblem(path, item, node.Items!, owner)).FirstOrDefault(p => p is not null),
            SchemaKind.Map => value.EnumerateObject().Select(entry => ReadProblem(path, entry.Value, node.Items!, owner)).FirstOrDefault(p => p is not null),
            SchemaKind.Object => value.EnumerateObject()
                .Select(m => node.Properties.TryGetValue(m.Name, out var p) ? ReadProblem(path.Length == 0 ? m.Name : $"{path}.{m.Name}", m.Value, p.Node, node.TypeName) : null)
                .FirstOrDefault(p => p is not null),
            _ => null,
        };
    }

    private static string DurationProblem(string text) => Number().Match(text) switch
    {
        { Success: false } => $"time: invalid duration {GoText.Quoted(text)}",
        { Groups: [_, { Value: "" }] } => $"time: missing unit in duration {GoText.Quoted(text)}",
        var number => $"time: unknown unit {GoText.Quoted(number.Groups[1].Value)} in duration {GoText.Quoted(text)}",
    };

    /// <summary>The first number and what follows it up to the next.</summary>
    [GeneratedRegex(@"^[+-]?(?:\d+\.?\d*|\.\d+)([^\d.]*)")]
    private static partial Regex Number();

    private static bool Fits(JsonElement value, SchemaKind kind) => (kind, value.ValueKind) switch
    {
        (SchemaKind.Text, JsonValueKind.String) => true,
        (SchemaKind.Flag, JsonValueKind.True or JsonValueKind.False) => true,
        (SchemaKind.Integer, JsonValueKind.Number) => value.TryGetDecimal(out var number) && number == decimal.Truncate(number),
        (SchemaKind.Number, JsonValueKind.Number) => true,
        (SchemaKind.Quantity or SchemaKind.NumberOrText, JsonValueKind.String or JsonValueKind.Number) => true,
        (SchemaKind.List, JsonValueKind.Array) => true,
        (SchemaKind.Map or SchemaKind.Object, JsonValueKind.Object) => true,
        (SchemaKind.Any, _) => true,
        _ => false,
    };

    private static bool HasZeroDefault(SchemaKind kind) => kind is SchemaKind.Text or SchemaKind.Integer or SchemaKind.Number or SchemaKind.Flag;

    private static string Name(SchemaKind kind) => kind switch
    {
        SchemaKind.Text => "string",
        SchemaKind.Flag => "boolean",
        SchemaKind.Integer => "integer",
        SchemaKind.Number => "number",
        SchemaKind.Quantity => "string,integer,number",
        SchemaKind.NumberOrText => "string,number",
        SchemaKind.List => "array",
        _ => "object",
    };

    private static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => value.GetRawText().Contains('.', StringComparison.Ordinal) ? "number" : "integer",
        JsonValueKind.Array => "array",
        JsonValueKind.Null => "null",
        _ => "object",
    };

    private static string GoName(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Number => "number",
        _ => Name(value),
    };
}
