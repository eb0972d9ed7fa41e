using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>Reads a CRD's openAPIV3Schema.</summary>
internal static class SchemaReader
{
    /// <exception cref="FormatException">Not a structural schema; the message starts with the path of the field.</exception>
    public static Schema Root(JsonObject source, Schema objectMeta)
    {
        var schema = Read(source, "", structural: true);
        AddTypeAndMetadata(schema, objectMeta);
        return schema;
    }

    private static void AddTypeAndMetadata(Schema schema, Schema objectMeta)
    {
        schema.Properties.TryAdd("apiVersion", new Schema { Type = SchemaType.String });
        schema.Properties.TryAdd("kind", new Schema { Type = SchemaType.String });
        schema.Properties["metadata"] = objectMeta;
    }

    private static Schema Read(JsonObject s, string path, bool structural)
    {
        var schema = new Schema
        {
            Type = TypeOf(s, path, structural),
            Nullable = s.Bool("nullable") ?? false,
            PreserveUnknown = s.Bool("x-kubernetes-preserve-unknown-fields") ?? false,
            EmbeddedResource = s.Bool("x-kubernetes-embedded-resource") ?? false,
            AtomicMap = s.Str("x-kubernetes-map-type") == "atomic",
            Format = s.Str("format"),
            Default = s["default"]?.DeepClone(),
            Required = Strings(s.Arr("required")),
            Rules = Rules(s, path),
            Validations = s.Arr("x-kubernetes-validations"),
            ListType = s.Str("x-kubernetes-list-type") switch { "set" => ListType.Set, "map" => ListType.Map, _ => ListType.Atomic },
            MapKeys = Strings(s.Arr("x-kubernetes-list-map-keys")),
        };
        if (schema.ListType == ListType.Map && schema.MapKeys.Count == 0 && structural)
            throw new FormatException(path + ".x-kubernetes-list-map-keys|Required value: must not be empty if x-kubernetes-list-type is map");
        if (s.Obj("properties") is { } properties)
        {
            foreach (var (name, value) in properties)
            {
                if (value is JsonObject property)
                    schema.Properties[name] = Read(property, $"{path}.properties[{name}]", structural);
            }
        }
        switch (s["additionalProperties"])
        {
            case JsonObject additional:
                schema.AdditionalProperties = Read(additional, path + ".additionalProperties", structural);
                break;
            case JsonValue flag when flag.TryGetValue<bool>(out var allowed) && allowed:
                schema.AdditionalProperties = Schema.Anything;
                break;
        }
        if (s.Obj("items") is { } items)
            schema.Items = Read(items, path + ".items", structural);
        else if (schema.Type == SchemaType.Array && structural)
            throw new FormatException(path + ".items|Required value: must be specified");
        if (schema.EmbeddedResource)
        {
            schema.Properties.TryAdd("apiVersion", new Schema { Type = SchemaType.String });
            schema.Properties.TryAdd("kind", new Schema { Type = SchemaType.String });
            schema.Properties.TryAdd("metadata", new Schema { Type = SchemaType.Object, PreserveUnknown = true });
        }
        return schema;
    }

    private static SchemaType TypeOf(JsonObject s, string path, bool structural)
    {
        if (s.Bool("x-kubernetes-int-or-string") == true)
            return SchemaType.IntOrString;
        switch (s.Str("type"))
        {
            case "object":
                return SchemaType.Object;
            case "array":
                return SchemaType.Array;
            case "string":
                return SchemaType.String;
            case "integer":
                return SchemaType.Integer;
            case "number":
                return SchemaType.Number;
            case "boolean":
                return SchemaType.Boolean;
            case null or "":
                if (structural && s.Bool("x-kubernetes-preserve-unknown-fields") != true)
                    throw new FormatException(path + ".type|Required value: must not be empty for specified object fields");
                return SchemaType.Any;
            case var other:
                throw new FormatException($"{path}.type|Unsupported value: \"{other}\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"");
        }
    }

    private static SchemaRules? Rules(JsonObject s, string path)
    {
        List<Schema> All(string name) => s.Arr(name)?.OfType<JsonObject>().Select((o, i) => Read(o, $"{path}.{name}[{i}]", structural: false)).ToList() ?? [];
        var rules = new SchemaRules
        {
            Enum = s.Arr("enum")?.ToList(),
            Pattern = s.Str("pattern") is { Length: > 0 } pattern ? Compile(pattern, path) : null,
            Minimum = s["minimum"].AsDouble(),
            ExclusiveMinimum = s.Bool("exclusiveMinimum") ?? false,
            Maximum = s["maximum"].AsDouble(),
            ExclusiveMaximum = s.Bool("exclusiveMaximum") ?? false,
            MultipleOf = s["multipleOf"].AsDouble(),
            MinLength = s.Int("minLength"),
            MaxLength = s.Int("maxLength"),
            MinItems = s.Int("minItems"),
            MaxItems = s.Int("maxItems"),
            UniqueItems = s.Bool("uniqueItems") ?? false,
            MinProperties = s.Int("minProperties"),
            MaxProperties = s.Int("maxProperties"),
            AllOf = All("allOf"),
            AnyOf = All("anyOf"),
            OneOf = All("oneOf"),
            Not = s.Obj("not") is { } not ? Read(not, path + ".not", structural: false) : null,
        };
        var empty = rules is
        {
            Enum: null, Pattern: null, Minimum: null, Maximum: null, MultipleOf: null, MinLength: null, MaxLength: null, MinItems: null,
            MaxItems: null, UniqueItems: false, MinProperties: null, MaxProperties: null, AllOf.Count: 0, AnyOf.Count: 0, OneOf.Count: 0, Not: null,
        };
        return empty ? null : rules;
    }

    /// <summary>RE2 and .NET agree on what CRDs use; the non-backtracking engine keeps RE2's promise of linear time.</summary>
    private static Regex Compile(string pattern, string path)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"{path}.pattern|Invalid value: \"{pattern}\": must be a valid regular expression, but isn't: {e.Message}");
        }
    }

    private static List<string> Strings(JsonArray? array) => array?.Select(i => i.AsString()).OfType<string>().ToList() ?? [];
}
