using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Json;

internal static class JsonExtensions
{
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = JsonReader.MaxDepth * 2,
    };

    private static readonly JsonSerializerOptions SerializerOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = JsonReader.MaxDepth * 2,
    };

    public static byte[] ToUtf8(this JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            node.WriteTo(writer, SerializerOptions);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The node at a path of property names, or null where something on the way is missing or not an object.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node is not JsonObject obj || !obj.TryGetPropertyValue(name, out node))
                return null;
        }
        return node;
    }

    public static JsonObject? Obj(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    public static JsonArray? Arr(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonArray;

    public static string? Str(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsString();

    public static long? Int(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsLong();

    public static bool? Bool(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue v && v.TryGetValue<bool>(out var b) ? b : null;

    public static string? AsString(this JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static long? AsLong(this JsonNode? node) => node is not JsonValue value ? null
        : value.TryGetValue<long>(out var l) ? l
        : value.TryGetValue<int>(out var i) ? i
        : value.TryGetValue<double>(out var d) && d == Math.Floor(d) && Math.Abs(d) < 9e18 ? (long)d
        : null;

    public static double? AsDouble(this JsonNode? node) => node is not JsonValue value ? null
        : value.TryGetValue<long>(out var l) ? l
        : value.TryGetValue<int>(out var i) ? i
        : value.TryGetValue<double>(out var d) ? d
        : null;

    public static JsonObject Child(this JsonObject obj, string name)
    {
        if (obj[name] is JsonObject child)
            return child;
        child = [];
        obj[name] = child;
        return child;
    }

    public static JsonObject Meta(this JsonObject obj) => obj.Child("metadata");

    public static string Name(this JsonObject obj) => obj.Str("metadata", "name") ?? "";

    public static string Namespace(this JsonObject obj) => obj.Str("metadata", "namespace") ?? "";

    /// <summary>What a value looks like in a message or as a field selector's operand.</summary>
    public static string Display(this JsonNode? node) => node switch
    {
        null => "null",
        JsonValue v when v.TryGetValue<string>(out var s) => s,
        _ => JsonReader.Utf8(node.ToUtf8()),
    };

    /// <summary>As <see cref="Display"/>, with quotes around text.</summary>
    public static string Quoted(this JsonNode? node) => node.AsString() is { } text ? $"\"{text}\"" : node.Display();

    /// <summary>Equality of JSON values; numbers by value, objects without regard to order.</summary>
    public static bool SameAs(this JsonNode? a, JsonNode? b)
    {
        switch (a, b)
        {
            case (null, null):
                return true;
            case (JsonObject x, JsonObject y):
                if (x.Count != y.Count)
                    return false;
                foreach (var (name, value) in x)
                {
                    if (!y.TryGetPropertyValue(name, out var other) || !value.SameAs(other))
                        return false;
                }
                return true;
            case (JsonArray x, JsonArray y):
                if (x.Count != y.Count)
                    return false;
                for (var i = 0; i < x.Count; i++)
                {
                    if (!x[i].SameAs(y[i]))
                        return false;
                }
                return true;
            case (JsonValue x, JsonValue y):
                if (x.TryGetValue<string>(out var s))
                    return y.TryGetValue<string>(out var t) && s == t;
                if (x.TryGetValue<bool>(out var p))
                    return y.TryGetValue<bool>(out var q) && p == q;
                return x.AsDouble() is { } m && y.AsDouble() is { } n && m.Equals(n) && x.AsLong() == y.AsLong();
            default:
                return false;
        }
    }

    /// <summary>An independent copy whose values are plain (see <see cref="JsonReader"/>), whatever the caller built it from.</summary>
    public static JsonNode? Normalized(this JsonNode? node) => node is null ? null : JsonReader.Parse(node.ToUtf8());

    public static JsonObject Copy(this JsonObject obj) => (JsonObject)obj.DeepClone();
}
