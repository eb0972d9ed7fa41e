using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Json;

/// <summary>
/// Builds JsonNodes eagerly with plain long/double/string/bool values. JsonNode.Parse is lazy and fails late (on first access) for
/// duplicate keys; a server must know at the door.
/// </summary>
internal static class JsonReader
{
    /// <summary>Deep enough for any schema, shallow enough that recursion over the tree is safe.</summary>
    public const int MaxDepth = 128;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    /// <param name="json">One JSON value.</param>
    /// <param name="duplicates">Filled with the paths of repeated keys; the last one wins.</param>
    /// <exception cref="JsonException">Malformed.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> json, List<string>? duplicates = null)
    {
        var reader = new Utf8JsonReader(json, Options);
        if (!reader.Read())
            throw new JsonException("unexpected end of JSON input");
        var node = Value(ref reader, duplicates, "");
        if (reader.Read())
            throw new JsonException("invalid data after top-level value");
        return node;
    }

    public static JsonObject ParseObject(ReadOnlySpan<byte> json) =>
        Parse(json) as JsonObject ?? throw new JsonException("expected a JSON object");

    private static JsonNode? Value(ref Utf8JsonReader reader, List<string>? duplicates, string path)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var obj = new JsonObject();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = Text(ref reader);
                    reader.Read();
                    var at = duplicates is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
                    if (duplicates is not null && obj.ContainsKey(name))
                        duplicates.Add(at);
                    obj[name] = Value(ref reader, duplicates, at);
                }
                return obj;
            case JsonTokenType.StartArray:
                var array = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.Add(Value(ref reader, duplicates, duplicates is null ? "" : $"{path}[{array.Count}]"));
                return array;
            case JsonTokenType.String:
                return JsonValue.Create(Text(ref reader));
            case JsonTokenType.Number:
                if (reader.TryGetInt64(out var whole))
                    return JsonValue.Create(whole);
                var real = reader.GetDouble();
                if (!double.IsFinite(real))
                    throw new JsonException("number out of range");
                return JsonValue.Create(real);
            case JsonTokenType.True:
                return JsonValue.Create(true);
            case JsonTokenType.False:
                return JsonValue.Create(false);
            default:
                return null;
        }
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Invalid UTF-8 or a lone surrogate: the reader reports it as misuse, but it is the caller's input that is bad.
            throw new JsonException("invalid text: " + e.Message);
        }
    }

    /// <summary>Whole doubles such as 1.0 become the long 1, as Kubernetes' decoder has it.</summary>
    public static JsonNode Number(double value) =>
        value == Math.Floor(value) && Math.Abs(value) < 9e15
            ? JsonValue.Create((long)value)
            : JsonValue.Create(value);

    public static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    public static string Utf8(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
