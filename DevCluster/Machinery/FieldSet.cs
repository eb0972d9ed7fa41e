using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// A set of field paths, as managedFields' FieldsV1 stores it: a tree whose edges are <c>f:name</c>, <c>k:{"key":"value"}</c> and
/// <c>v:value</c>. A node is a member itself, or only on the way to members, or both ("." in the JSON form).
/// </summary>
internal sealed class FieldSet
{
    private readonly SortedDictionary<string, FieldSet> _children = new(StringComparer.Ordinal);

    public bool Member { get; set; }

    public IReadOnlyDictionary<string, FieldSet> Children => _children;

    public bool IsEmpty => !Member && _children.Values.All(c => c.IsEmpty);

    public FieldSet Child(string edge)
    {
        if (!_children.TryGetValue(edge, out var child))
            _children[edge] = child = new FieldSet();
        return child;
    }

    public static FieldSet FromJson(JsonNode? json)
    {
        var set = new FieldSet();
        if (json is JsonObject obj)
        {
            foreach (var (edge, value) in obj)
            {
                if (edge == ".")
                {
                    set.Member = true;
                    continue;
                }
                var child = FromJson(value);
                if (child._children.Count == 0)
                    child.Member = true;
                set._children[edge] = child;
            }
        }
        return set;
    }

    public JsonObject ToJson()
    {
        var obj = new JsonObject();
        if (Member && _children.Values.Any(c => !c.IsEmpty))
            obj["."] = new JsonObject();
        foreach (var (edge, child) in _children)
        {
            if (!child.IsEmpty)
                obj[edge] = child.ToJson();
        }
        return obj;
    }

    public FieldSet Union(FieldSet other) => Combine(other, (a, b) => a || b);

    public FieldSet Intersect(FieldSet other) => Combine(other, (a, b) => a && b);

    public FieldSet Except(FieldSet other) => Combine(other, (a, b) => a && !b);

    public bool SameAs(FieldSet other) => Except(other).IsEmpty && other.Except(this).IsEmpty;

    /// <summary>All members as paths in the notation of conflict messages, e.g. <c>.spec.ports[port=80].name</c>.</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        if (Member)
            yield return prefix;
        foreach (var (edge, child) in _children)
        {
            var step = edge[0] switch
            {
                'f' => "." + edge[2..],
                'k' when JsonReader.ParseObject(System.Text.Encoding.UTF8.GetBytes(edge[2..])) is var key =>
                    "[" + string.Join(",", key.Select(k => $"{k.Key}={k.Value.ToUtf8Text()}")) + "]",
                _ => "[=" + edge[2..] + "]",
            };
            foreach (var path in child.Paths(prefix + step))
                yield return path;
        }
    }

    /// <summary>The fields that a value sets.</summary>
    public static FieldSet Of(JsonNode? value, Schema schema)
    {
        var set = new FieldSet();
        if (value is JsonObject obj)
            set.AddFields(obj, schema);
        else
            set.Add(value, schema);
        return set;
    }

    public void Add(JsonNode? value, Schema schema)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } obj when !schema.AtomicMap:
                AddFields(obj, schema);
                break;
            case JsonArray { Count: > 0 } array when schema.ListType == ListType.Map:
                foreach (var item in array)
                {
                    var child = Child("k:" + MapKey(item, schema));
                    child.Member = true;
                    if (item is JsonObject fields)
                        child.AddFields(fields, schema.Items ?? Schema.Anything);
                }
                break;
            case JsonArray { Count: > 0 } array when schema.ListType == ListType.Set:
                foreach (var item in array)
                    Child("v:" + item.ToUtf8Text()).Member = true;
                break;
            default:
                Member = true;
                break;
        }
    }

    /// <summary>
    /// Structs that Go writes even when they are empty: they are in every object of their kind, so nobody ever adds them. Elsewhere
    /// whoever brings a map, struct or list into being owns it together with what is in it.
    /// </summary>
    private static readonly HashSet<string> AlwaysThere =
    [
        "metadata", "spec", "status", "template", "containers", "strategy", "updateStrategy", "resources", "loadBalancer", "nodeInfo", "daemonEndpoints",
        "kubeletEndpoint", "names", "source", "podSelector",
    ];

    public static bool IsAlwaysThere(Schema parent, string name) => parent.Model is not null && AlwaysThere.Contains(name);

    /// <summary>As <see cref="Add"/>, for a value that wasn't there before: with the maps, structs and lists that hold the fields.</summary>
    public void AddWhole(JsonNode? value, Schema schema, bool wasThere = false)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } obj when !schema.AtomicMap:
                Member |= !wasThere;
                foreach (var (name, child) in obj)
                    Child("f:" + name).AddWhole(child, schema.Inside(name), IsAlwaysThere(schema, name));
                break;
            case JsonArray { Count: > 0 } array when schema.ListType == ListType.Map:
                Member |= !wasThere;
                foreach (var item in array)
                {
                    var child = Child("k:" + MapKey(item, schema));
                    child.AddWhole(item, schema.Items ?? Schema.Anything);
                    child.Member = true;
                }
                break;
            case JsonArray { Count: > 0 } when schema.ListType == ListType.Set:
                Member |= !wasThere;
                Add(value, schema);
                break;
            default:
                Member = true;
                break;
        }
    }

    private void AddFields(JsonObject obj, Schema schema)
    {
        foreach (var (name, value) in obj)
            Child("f:" + name).Add(value, schema.Inside(name));
    }

    /// <summary>The identity of a list-map's item: its key fields as compact JSON in the order of their names.</summary>
    public static string MapKey(JsonNode? item, Schema list)
    {
        var key = new JsonObject();
        foreach (var name in list.MapKeys.Order(StringComparer.Ordinal))
        {
            var value = item.At(name) ?? list.Items?.Properties.GetValueOrDefault(name)?.Default;
            if (value is not null)
                key[name] = value.DeepClone();
        }
        return key.ToUtf8Text();
    }

    private FieldSet Combine(FieldSet other, Func<bool, bool, bool> rule)
    {
        var result = new FieldSet { Member = rule(Member, other.Member) };
        foreach (var edge in _children.Keys.Union(other._children.Keys))
        {
            var child = _children.GetValueOrDefault(edge, Nothing).Combine(other._children.GetValueOrDefault(edge, Nothing), rule);
            if (!child.IsEmpty)
                result._children[edge] = child;
        }
        return result;
    }

    private static readonly FieldSet Nothing = new();
}

internal static class FieldText
{
    public static string ToUtf8Text(this JsonNode? node) => node is null ? "null" : JsonReader.Utf8(node.ToUtf8());
}
