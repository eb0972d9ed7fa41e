using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>What differs between two versions of an object, as field sets.</summary>
internal sealed class FieldDiff
{
    public FieldSet Added { get; } = new();

    public FieldSet Modified { get; } = new();

    public FieldSet Removed { get; } = new();

    public FieldSet Changed => Added.Union(Modified);

    public static FieldDiff Between(JsonObject before, JsonObject after, Schema schema)
    {
        var diff = new FieldDiff();
        Fields(before, after, schema, diff.Added, diff.Modified, diff.Removed);
        return diff;
    }

    private static void Compare(JsonNode? before, JsonNode? after, Schema schema, FieldSet added, FieldSet modified, FieldSet removed)
    {
        switch (before, after)
        {
            case (JsonObject { Count: > 0 } x, JsonObject { Count: > 0 } y) when !schema.AtomicMap:
                Fields(x, y, schema, added, modified, removed);
                break;
            case (JsonArray { Count: > 0 } x, JsonArray { Count: > 0 } y) when schema.ListType == ListType.Map:
                var old = ByKey(x, schema);
                var now = ByKey(y, schema);
                foreach (var (key, item) in old)
                {
                    var edge = "k:" + key;
                    if (now.TryGetValue(key, out var other))
                        Compare(item, other, schema.Items ?? Schema.Anything, added.Child(edge), modified.Child(edge), removed.Child(edge));
                    else
                        Item(removed, edge, item, schema);
                }
                foreach (var (key, item) in now)
                {
                    if (!old.ContainsKey(key))
                        Item(added, "k:" + key, item, schema);
                }
                break;
            case (JsonArray { Count: > 0 } x, JsonArray { Count: > 0 } y) when schema.ListType == ListType.Set:
                var had = x.Select(i => i.ToUtf8Text()).ToHashSet();
                var has = y.Select(i => i.ToUtf8Text()).ToHashSet();
                foreach (var value in had.Except(has))
                    removed.Child("v:" + value).Member = true;
                foreach (var value in has.Except(had))
                    added.Child("v:" + value).Member = true;
                break;
            default:
                if (before.SameAs(after))
                    return;
                if (IsTree(before, schema) || IsTree(after, schema))
                {
                    removed.AddWhole(before, schema);
                    added.AddWhole(after, schema);
                }
                else
                    modified.Member = true;
                break;
        }
    }

    private static void Fields(JsonObject before, JsonObject after, Schema schema, FieldSet added, FieldSet modified, FieldSet removed)
    {
        foreach (var (name, value) in before)
        {
            var edge = "f:" + name;
            if (!after.TryGetPropertyValue(name, out var other))
                removed.Child(edge).AddWhole(value, schema.Inside(name));
            else if (!value.SameAs(other))
                Compare(value, other, schema.Inside(name), added.Child(edge), modified.Child(edge), removed.Child(edge));
        }
        foreach (var (name, value) in after)
        {
            if (!before.ContainsKey(name))
                added.Child("f:" + name).AddWhole(value, schema.Inside(name), FieldSet.IsAlwaysThere(schema, name));
        }
    }

    private static void Item(FieldSet set, string edge, JsonNode? item, Schema list)
    {
        var child = set.Child(edge);
        child.AddWhole(item, list.Items ?? Schema.Anything);
        child.Member = true;
    }

    private static Dictionary<string, JsonNode?> ByKey(JsonArray array, Schema schema)
    {
        var items = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var item in array)
            items[FieldSet.MapKey(item, schema)] = item;
        return items;
    }

    private static bool IsTree(JsonNode? value, Schema schema) => value switch
    {
        JsonObject { Count: > 0 } => !schema.AtomicMap,
        JsonArray { Count: > 0 } => schema.ListType != ListType.Atomic,
        _ => false,
    };
}
