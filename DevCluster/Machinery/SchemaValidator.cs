using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>Checks a value against its schema; the causes' texts and reasons are those of Kubernetes' field errors.</summary>
internal static class SchemaValidator
{
    /// <param name="value">To be checked.</param>
    /// <param name="schema">What it has to be.</param>
    /// <param name="old">What it was: where nothing has changed, nothing is found wrong.</param>
    public static List<StatusCause> Validate(JsonNode? value, Schema schema, JsonNode? old = null)
    {
        var causes = new List<StatusCause>();
        Check(value, schema, "", causes, old);
        return causes;
    }

    private static void Check(JsonNode? value, Schema schema, string path, List<StatusCause> causes, JsonNode? old = null)
    {
        if (old is not null && old.SameAs(value))
            return;
        if (value is null)
        {
            if (!schema.Nullable && schema.Type != SchemaType.Any)
                causes.Add(new("FieldValueTypeInvalid", $"Invalid value: \"null\": {Field(path)} in body must be of type {TypeName(schema)}: \"null\"", Field(path)));
            return;
        }
        if (!Fits(value, schema.Type))
        {
            causes.Add(new("FieldValueTypeInvalid",
                $"Invalid value: \"{KindOf(value)}\": {Field(path)} in body must be of type {TypeName(schema)}: \"{KindOf(value)}\"", Field(path)));
            return;
        }
        switch (value)
        {
            case JsonObject obj:
                foreach (var required in schema.Required)
                {
                    if (!obj.ContainsKey(required))
                        causes.Add(new("FieldValueRequired", "Required value", Field(Join(path, required))));
                }
                foreach (var (name, child) in obj)
                {
                    if (schema.Property(name) is { } property)
                        Check(child, property, Join(path, name), causes, old.At(name));
                }
                break;
            case JsonArray array:
                if (schema.Items is { } items)
                {
                    for (var i = 0; i < array.Count; i++)
                        Check(array[i], items, $"{path}[{i}]", causes, ListItems.Before(array[i], old as JsonArray, schema));
                }
                Duplicates(array, schema, path, causes);
                break;
        }
        if (schema.Format is not null)
            CheckFormat(value, schema.Format, path, causes);
        if (schema.Rules is { } rules)
            CheckRules(value, rules, path, causes);
    }

    private static void CheckRules(JsonNode value, SchemaRules rules, string path, List<StatusCause> causes)
    {
        void Invalid(string why) => causes.Add(new("FieldValueInvalid", $"Invalid value: {value.Quoted()}: {Field(path)} in body {why}", Field(path)));
        if (rules.Enum is { } allowed && !allowed.Any(a => a.SameAs(value)))
            causes.Add(new("FieldValueNotSupported", $"Unsupported value: {value.Quoted()}: supported values: {string.Join(", ", allowed.Select(a => a.Quoted()))}", Field(path)));
        if (value.AsDouble() is { } number)
        {
            if (rules.Minimum is { } min && (number < min || (rules.ExclusiveMinimum && number.Equals(min))))
                Invalid($"should be greater than {(rules.ExclusiveMinimum ? "" : "or equal to ")}{JsonReader.Format(min)}");
            if (rules.Maximum is { } max && (number > max || (rules.ExclusiveMaximum && number.Equals(max))))
                Invalid($"should be less than {(rules.ExclusiveMaximum ? "" : "or equal to ")}{JsonReader.Format(max)}");
            if (rules.MultipleOf is { } factor && factor != 0 && number % factor != 0)
                Invalid($"should be a multiple of {JsonReader.Format(factor)}");
        }
        if (value.AsString() is { } text)
        {
            var length = new StringInfo(text).LengthInTextElements;
            if (rules.MinLength is { } min && length < min)
                Invalid($"should be at least {min} chars long");
            if (rules.MaxLength is { } max && length > max)
                causes.Add(new("FieldValueTooLong", $"Too long: may not be more than {max} bytes", Field(path)));
            if (rules.Pattern is { } pattern && !pattern.IsMatch(text))
                Invalid($"should match '{pattern}'");
        }
        if (value is JsonArray array)
        {
            if (rules.MinItems is { } min && array.Count < min)
                Invalid($"should have at least {min} items");
            if (rules.MaxItems is { } max && array.Count > max)
                causes.Add(new("FieldValueTooMany", $"Too many: {array.Count}: must have at most {max} items", Field(path)));
            if (rules.UniqueItems && array.Select(i => i.Display()).Distinct().Count() != array.Count)
                Invalid("shouldn't contain duplicates");
        }
        if (value is JsonObject obj)
        {
            if (rules.MinProperties is { } min && obj.Count < min)
                Invalid($"should have at least {min} properties");
            if (rules.MaxProperties is { } max && obj.Count > max)
                causes.Add(new("FieldValueTooMany", $"Too many: {obj.Count}: must have at most {max} items", Field(path)));
        }
        foreach (var part in rules.AllOf)
            Check(value, part, path, causes);
        if (rules.AnyOf.Count > 0 && !rules.AnyOf.Any(part => Matches(value, part, path)))
            Invalid("must validate at least one schema (anyOf)");
        if (rules.OneOf.Count > 0 && rules.OneOf.Count(part => Matches(value, part, path)) != 1)
            Invalid("must validate one and only one schema (oneOf)");
        if (rules.Not is { } not && Matches(value, not, path))
            Invalid("must not validate the schema (not)");
    }

    private static bool Matches(JsonNode value, Schema schema, string path)
    {
        var causes = new List<StatusCause>();
        Check(value, schema, path, causes);
        return causes.Count == 0;
    }

    private static void CheckFormat(JsonNode value, string format, string path, List<StatusCause> causes)
    {
        var good = format == "int32"
            ? value.AsLong() is not { } number || number is >= int.MinValue and <= int.MaxValue
            : value.AsString() is not { } text || Formats.Fits(format, text);
        if (!good)
            causes.Add(new("FieldValueTypeInvalid", $"Invalid value: {value.Quoted()}: {Field(path)} in body must be of type {format}: {value.Quoted()}", Field(path)));
    }

    private static void Duplicates(JsonArray array, Schema schema, string path, List<StatusCause> causes)
    {
        if (schema.ListType == ListType.Atomic)
            return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < array.Count; i++)
        {
            var key = schema.ListType == ListType.Set ? array[i].Display() : FieldSet.MapKey(array[i], schema);
            if (!seen.Add(key))
                causes.Add(new("FieldValueDuplicate", $"Duplicate value: {(schema.ListType == ListType.Set ? array[i].Quoted() : key)}", $"{path}[{i}]"));
        }
    }

    private static bool Fits(JsonNode value, SchemaType type) => type switch
    {
        SchemaType.Any => true,
        SchemaType.Object => value is JsonObject,
        SchemaType.Array => value is JsonArray,
        SchemaType.String => value.AsString() is not null,
        SchemaType.Integer => value.AsLong() is not null,
        SchemaType.Number => value.AsDouble() is not null,
        SchemaType.Boolean => value.Bool() is not null,
        SchemaType.IntOrString => value.AsLong() is not null || value.AsString() is not null,
        _ => false,
    };

    private static string TypeName(Schema schema) => schema.Type switch
    {
        SchemaType.IntOrString => "integer,string",
        var type => type.ToString().ToLowerInvariant(),
    };

    public static string KindOf(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        JsonValue v when v.TryGetValue<string>(out _) => "string",
        JsonValue v when v.TryGetValue<bool>(out _) => "boolean",
        _ => value.AsLong() is null ? "number" : "integer",
    };

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Field(string path) => path.Length == 0 ? "<nil>" : path;
}
