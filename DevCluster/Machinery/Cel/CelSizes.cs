using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>How large a value of a schema can become: by its own limits, or else by what fits into one request.</summary>
internal static class CelSizes
{
    private const long MaxRequest = 3 * 1024 * 1024;

    /// <summary>Quotes, brackets or braces.</summary>
    private const long Enclosing = 2;

    /// <summary>Characters, bytes, items or entries at most.</summary>
    public static ulong Most(Schema schema)
    {
        var rules = schema.Rules;
        return (ulong)Math.Max(0, schema.Type switch
        {
            SchemaType.IntOrString => rules?.MaxLength * 4 ?? MaxRequest - Enclosing,
            SchemaType.String => schema.Format switch
            {
                "byte" => rules?.MaxLength ?? MaxRequest - Enclosing,
                "duration" or "date-time" => 32,
                "date" => 12,
                // A code point may take four bytes.
                _ => rules?.MaxLength * 4 ?? Longest(rules?.Enum) ?? MaxRequest - Enclosing,
            },
            SchemaType.Array => rules?.MaxItems ?? (schema.Items is { } items ? (MaxRequest - Enclosing) / (Least(items) + 1) : 0),
            // An entry needs a key, a colon and a comma besides its value.
            SchemaType.Object when schema.AdditionalProperties is { } values => rules?.MaxProperties ?? ((MaxRequest - Enclosing) / (Least(values) + 6)),
            _ => 0,
        });
    }

    /// <summary>How often a value of the schema can be there in one request.</summary>
    public static ulong Occurrences(Schema schema) => (ulong)(MaxRequest / (Least(schema) + 1));

    /// <summary>Bytes that it takes at least.</summary>
    private static long Least(Schema schema) => schema.Type switch
    {
        SchemaType.Boolean => 4,
        SchemaType.Integer or SchemaType.Number or SchemaType.IntOrString => 1,
        SchemaType.String => schema.Format switch { "duration" => 3, "date" => 12, "date-time" => 21, _ => 2 },
        SchemaType.Object when schema.AdditionalProperties is null => Enclosing + schema.Required.Sum(name => Field(schema, name)),
        _ => Enclosing,
    };

    /// <summary>A field that must be given; one with a default need not.</summary>
    private static long Field(Schema schema, string name) =>
        CelSchemas.View(schema).Properties.TryGetValue(name, out var property) && property.Default is null && CelSchemas.TypeOf(property) is not null ? name.Length + Least(property) + 4 : 0;

    private static long? Longest(IReadOnlyList<System.Text.Json.Nodes.JsonNode?>? values) =>
        values is { Count: > 0 } ? values.Max(v => v.AsString()?.Length ?? 0) : null;
}
