using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Machinery;

/// <summary>Pruning and defaulting: the two ways in which a schema changes an object.</summary>
internal static class SchemaWalk
{
    /// <summary>Removes what the schema doesn't know; <paramref name="unknown"/> receives the removed paths.</summary>
    public static void Prune(JsonObject obj, Schema schema, List<string> unknown) => Prune(obj, schema, "", unknown);

    private static void Prune(JsonNode? value, Schema schema, string path, List<string> unknown)
    {
        switch (value)
        {
            case JsonObject obj when schema.Type is SchemaType.Object or SchemaType.Any:
                List<string>? remove = null;
                foreach (var (name, child) in obj)
                {
                    var at = path.Length == 0 ? name : $"{path}.{name}";
                    if (schema.Property(name) is { } property)
                        Prune(child, property, at, unknown);
                    else if (!schema.PreserveUnknown && schema.Type != SchemaType.Any)
                    {
                        (remove ??= []).Add(name);
                        unknown.Add(at);
                    }
                }
                foreach (var name in remove ?? [])
                    obj.Remove(name);
                break;
            case JsonArray array when schema.Items is { } items:
                for (var i = 0; i < array.Count; i++)
                    Prune(array[i], items, $"{path}[{i}]", unknown);
                break;
        }
    }

    /// <summary>Fills in defaults, also inside of defaults; a null for a field that isn't nullable counts as absent.</summary>
    public static void Default(JsonNode? value, Schema schema)
    {
        switch (value)
        {
            case JsonObject obj:
                foreach (var (name, property) in schema.Properties)
                {
                    var present = obj.TryGetPropertyValue(name, out var child);
                    if (property.Default is { } given && (!present || (child is null && !property.Nullable)))
                        obj[name] = given.DeepClone();
                }
                foreach (var (name, child) in obj)
                {
                    if (child is not null && schema.Property(name) is { } property)
                        Default(child, property);
                }
                break;
            case JsonArray array when schema.Items is { } items:
                foreach (var item in array)
                    Default(item, items);
                break;
        }
    }

    /// <summary>Drops nulls, as decoding into a typed struct does; only for built-in kinds.</summary>
    public static void DropNulls(JsonNode? value, Schema schema)
    {
        switch (value)
        {
            case JsonObject obj when schema.Type == SchemaType.Object:
                List<string>? remove = null;
                foreach (var (name, child) in obj)
                {
                    if (child is null && schema.AdditionalProperties is null)
                        (remove ??= []).Add(name);
                    else if (schema.Property(name) is { } property)
                        DropNulls(child, property);
                }
                foreach (var name in remove ?? [])
                    obj.Remove(name);
                break;
            case JsonArray array when schema.Items is { } items:
                foreach (var item in array)
                    DropNulls(item, items);
                break;
        }
    }
}
