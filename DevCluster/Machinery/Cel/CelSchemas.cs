using System.Runtime.CompilerServices;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Types of the language for schemas of custom resources, and the names of their fields.</summary>
internal static class CelSchemas
{
    private static readonly ConditionalWeakTable<Schema, Schema> Roots = [];
    private static readonly ConditionalWeakTable<Schema, CelType> Types = [];

    /// <summary>Words of the language that a field may be called; it is then written <c>__in__</c>.</summary>
    private static readonly HashSet<string> Keywords =
    [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ];

    /// <summary>Of an object's metadata only the names can be seen by rules: everything else may change without the object changing.</summary>
    private static readonly Schema Metadata = new()
    {
        Type = SchemaType.Object,
        Properties =
        {
            ["name"] = new Schema { Type = SchemaType.String, Rules = new SchemaRules { MaxLength = 253 } },
            ["generateName"] = new Schema { Type = SchemaType.String, Rules = new SchemaRules { MaxLength = 252 } },
        },
    };

    /// <summary>The type of a value with the schema; null when rules can't look at it.</summary>
    public static CelType? TypeOf(Schema schema)
    {
        switch (schema.Type)
        {
            case SchemaType.IntOrString:
                return CelType.Dyn;
            case SchemaType.Boolean:
                return CelType.Bool;
            case SchemaType.Integer:
                return CelType.Int;
            case SchemaType.Number:
                return CelType.Double;
            case SchemaType.String:
                return schema.Format switch
                {
                    "date-time" or "date" => CelType.Timestamp,
                    "duration" => CelType.Duration,
                    "byte" => CelType.Bytes,
                    _ => CelType.String,
                };
            case SchemaType.Array:
                return schema.Items is { } items && TypeOf(items) is { } item ? CelType.List(item) : null;
            case SchemaType.Object when schema.AdditionalProperties is { } values:
                return TypeOf(values) is { } value ? CelType.Map(CelType.String, value) : null;
            case SchemaType.Object:
                return Types.GetValue(View(schema), CelType.Object);
            default:
                return null;
        }
    }

    /// <summary>The schema as rules see it; differs for whole objects (roots and embedded ones).</summary>
    public static Schema View(Schema schema)
    {
        var whole = schema.EmbeddedResource || (schema.Properties.TryGetValue("metadata", out var metadata) && metadata.DefinitionName is not null);
        return !whole ? schema : Roots.GetValue(schema, static s => new Schema
        {
            Type = SchemaType.Object,
            Properties = new Dictionary<string, Schema>(s.Properties) { ["metadata"] = Metadata },
        });
    }

    public static Schema? Field(Schema schema, string field) => View(schema).Properties.GetValueOrDefault(Unescape(field));

    /// <summary>From a field's name in an expression to its name in the schema.</summary>
    public static string Unescape(string name)
    {
        if (!name.Contains("__", StringComparison.Ordinal))
            return name;
        if (name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) && name.Length > 4 && Keywords.Contains(name[2..^2]))
            return name[2..^2];
        return name.Replace("__dot__", ".", StringComparison.Ordinal).Replace("__dash__", "-", StringComparison.Ordinal)
            .Replace("__slash__", "/", StringComparison.Ordinal).Replace("__underscores__", "__", StringComparison.Ordinal);
    }
}
