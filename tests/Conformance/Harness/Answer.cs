using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Troupe.Conformance.Harness;

/// <summary>One HTTP answer, read to its end.</summary>
public sealed record Answer(HttpStatusCode Status, string Text, HttpResponseHeaders Headers, HttpContentHeaders Content, Version Http)
{
    private JsonNode? _json;

    public int Code => (int)Status;

    public JsonNode Json => _json ??= JsonNode.Parse(Text)!;

    /// <summary>The value at a path such as <c>spec.ports[0].name</c> as text; null where there is none.</summary>
    public string? this[string path] => Json.Text(path);

    public string? Name => this["metadata.name"];

    public string Version => this["metadata.resourceVersion"]!;

    public IEnumerable<string> Names => Json.Items("items").Select(i => i.Text("metadata.name")!);

    /// <summary>The fields that a Status of code 422 complains about.</summary>
    public IEnumerable<string> CauseFields => Json.Items("details.causes").Select(c => c.Text("field") ?? "");

    /// <exception cref="InvalidOperationException">Another code; the message holds the answer.</exception>
    public Answer Expect(int code) => Code == code ? this : throw new InvalidOperationException($"expected {code}, got {Code}: {Text}");
}

/// <summary>Short ways into JSON.</summary>
public static class JsonPaths
{
    /// <summary>Steps are separated by dots; <c>[2]</c> is an item, <c>['a.b']</c> a name with dots.</summary>
    public static JsonNode? At(this JsonNode? node, string path)
    {
        for (var i = 0; i < path.Length && node is not null;)
        {
            if (path[i] == '.')
            {
                i++;
                continue;
            }
            if (path[i] == '[')
            {
                var quoted = path[i + 1] == '\'';
                var end = path.IndexOf(quoted ? "']" : "]", i, StringComparison.Ordinal);
                node = quoted
                    ? (node as JsonObject)?[path[(i + 2)..end]]
                    : node is JsonArray array && int.Parse(path[(i + 1)..end]) is var n && n < array.Count ? array[n] : null;
                i = end + (quoted ? 2 : 1);
                continue;
            }
            var stop = path.AsSpan(i).IndexOfAny('.', '[');
            var name = stop < 0 ? path[i..] : path[i..(i + stop)];
            node = (node as JsonObject)?[name];
            i += name.Length;
        }
        return node;
    }

    public static string? Text(this JsonNode? node, string path) => node.At(path) switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        var other => other.ToJsonString(),
    };

    public static IEnumerable<JsonNode> Items(this JsonNode? node, string path) => (node.At(path) as JsonArray)?.OfType<JsonNode>() ?? [];

    public static IEnumerable<string> Texts(this JsonNode? node, string path) => node.Items(path).Select(i => i.Text("")!);
}
