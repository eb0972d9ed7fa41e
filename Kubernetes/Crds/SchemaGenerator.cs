using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Crds;

/// <summary>Structural OpenAPI v3 schemas from the C# API model, with our own docstrings as descriptions.</summary>
public sealed class SchemaGenerator(XmlDocumentation documentation)
{
    private const string QuantityPattern =
        @"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

    /// <summary>The schema of a top-level kind: metadata is the API server's business and stays an open object.</summary>
    public JsonObject OfKind(Type kind)
    {
        var schema = OfObject(kind);
        schema["properties"]!["metadata"] = new JsonObject { ["type"] = "object" };
        return schema;
    }

    private JsonObject OfObject(Type type)
    {
        var properties = new SortedDictionary<string, JsonNode>(StringComparer.Ordinal);
        var required = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<JsonExtensionDataAttribute>() is not null || property.GetMethod is null || property.SetMethod is null)
                continue;
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (typeof(KubeObject).IsAssignableFrom(type) && name == "metadata")
            {
                properties[name] = new JsonObject();
                continue;
            }

            var schema = OfType(property.PropertyType);
            if (documentation.Of(property) is { } description)
                schema["description"] = description;
            SchemaConstraints.Apply(property, schema);

            properties[name] = schema;
            if (property.GetCustomAttribute<ApiRequiredAttribute>() is not null)
                required.Add(name);
        }

        var result = new JsonObject { ["type"] = "object" };
        if (documentation.Of(type) is { } text)
            result["description"] = text;
        if (properties.Count > 0)
            result["properties"] = new JsonObject(properties.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));
        if (required.Count > 0)
            result["required"] = new JsonArray([.. required.Select(r => (JsonNode)r)]);
        if (type.GetCustomAttribute<AtomicMapAttribute>() is not null)
            result["x-kubernetes-map-type"] = "atomic";
        if (type.GetCustomAttribute<ApiNullableAttribute>() is not null)
            result["nullable"] = true;
        return result;
    }

    private JsonObject OfType(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return new JsonObject { ["type"] = "string" };
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(int))
            return new JsonObject { ["type"] = "integer", ["format"] = "int32" };
        if (type == typeof(long) || type == typeof(ulong))
            return new JsonObject { ["type"] = "integer", ["format"] = "int64" };
        if (type == typeof(double))
            return new JsonObject { ["type"] = "number" };
        if (type == typeof(DateTimeOffset))
            return new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        if (type == typeof(byte[]))
            return new JsonObject { ["type"] = "string", ["format"] = "byte" };
        if (type == typeof(Duration))
            return new JsonObject { ["type"] = "string" };
        if (type == typeof(IntOrString))
            return NumberOrText();
        if (type == typeof(Quantity))
        {
            var quantity = NumberOrText();
            quantity["pattern"] = QuantityPattern;
            return quantity;
        }

        if (type == typeof(JsonElement))
            return new JsonObject { ["x-kubernetes-preserve-unknown-fields"] = true };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return new JsonObject { ["type"] = "array", ["items"] = OfType(type.GetGenericArguments()[0]) };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = OfType(type.GetGenericArguments()[1]) };
        // Metadata inside a template: the controller that uses the template copies what it needs, known here or not.
        if (type == typeof(ObjectMeta))
            return new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        if (typeof(ApiObject).IsAssignableFrom(type))
            return OfObject(type);
        throw new NotSupportedException($"{type} has no place in a CRD schema");
    }

    private static JsonObject NumberOrText() => new()
    {
        ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" }),
        ["x-kubernetes-int-or-string"] = true,
    };
}
