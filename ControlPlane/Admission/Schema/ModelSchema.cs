using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Schema;

/// <summary>The JSON shape of the API model's types.</summary>
internal static class ModelSchema
{
    private static readonly ConcurrentDictionary<Type, SchemaNode> Known = new();

    public static SchemaNode Of(Type type) => Known.GetOrAdd(type, t => Object(t, []));

    private static SchemaNode Object(Type type, Dictionary<Type, SchemaNode> begun)
    {
        if (begun.TryGetValue(type, out var same))
            return same;
        var node = new SchemaNode(SchemaKind.Object, type.Name);
        begun.Add(type, node);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<JsonExtensionDataAttribute>() is not null || property.SetMethod is null)
                continue;
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            node.Properties[name] = new SchemaProperty(
                name, Value(property.PropertyType, type.Name, name, begun), property.GetCustomAttribute<ApiRequiredAttribute>() is not null, OpenApiEnums.Of(type.Name, name));
        }

        return node;
    }

    private static SchemaNode Value(Type type, string owner, string property, Dictionary<Type, SchemaNode> begun)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(int) || type == typeof(long))
            return GoIntegers.Of(owner, property, type == typeof(long));
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return new SchemaNode(SchemaKind.List, "[]") { Items = Value(type.GetGenericArguments()[0], owner, property, begun) };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
            return new SchemaNode(SchemaKind.Map, "map") { Items = Value(type.GetGenericArguments()[1], owner, property, begun) };
        if (typeof(ApiObject).IsAssignableFrom(type))
            return Object(type, begun);
        return type switch
        {
            _ when type == typeof(string) || type == typeof(DateTimeOffset) || type == typeof(byte[]) => new SchemaNode(SchemaKind.Text, "string"),
            _ when type == typeof(Duration) => new SchemaNode(SchemaKind.Text, nameof(Duration)),
            _ when type == typeof(bool) => new SchemaNode(SchemaKind.Flag, "bool"),
            _ when type == typeof(double) => new SchemaNode(SchemaKind.Number, "float64"),
            _ when type == typeof(Quantity) => new SchemaNode(SchemaKind.Quantity, "Quantity"),
            _ when type == typeof(IntOrString) => new SchemaNode(SchemaKind.NumberOrText, "IntOrString"),
            _ => new SchemaNode(SchemaKind.Any, "any"),
        };
    }
}
