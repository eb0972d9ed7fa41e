using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>RFC 6902. A patch that can't be applied, a failed test included, is a 422 as Kubernetes answers it.</summary>
internal static class JsonPatch
{
    /// <summary>As in Kubernetes: more operations than this are refused.</summary>
    private const int MaxOperations = 10_000;

    public static JsonNode? Apply(JsonNode target, JsonNode patch)
    {
        if (patch is not JsonArray operations)
            throw ApiException.BadRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
        if (operations.Count > MaxOperations)
            throw new ApiException(413, "RequestEntityTooLarge", $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        JsonNode? root = target.DeepClone();
        foreach (var operation in operations)
        {
            var path = operation.Str("path") ?? throw Refused("missing path");
            switch (operation.Str("op"))
            {
                case "add":
                    root = Set(root, path, Value(operation), insert: true);
                    break;
                case "replace":
                    Get(root, path);
                    root = Set(root, path, Value(operation), insert: false);
                    break;
                case "remove":
                    root = Remove(root, path);
                    break;
                case "copy":
                    root = Set(root, path, Get(root, From(operation))?.DeepClone(), insert: true);
                    break;
                case "move":
                    var moved = Get(root, From(operation))?.DeepClone();
                    root = Set(Remove(root, From(operation)), path, moved, insert: true);
                    break;
                case "test":
                    if (!Get(root, path, missingIsNull: true).SameAs(operation.At("value")))
                        throw Refused($"testing value {path} failed");
                    break;
                case var other:
                    throw Refused($"unexpected kind: {other}");
            }
        }
        return root;
    }

    private static JsonNode? Value(JsonNode? operation) =>
        operation is JsonObject obj && obj.TryGetPropertyValue("value", out var value) ? value?.DeepClone() : throw Refused("missing value");

    private static string From(JsonNode? operation) => operation.Str("from") ?? throw Refused("missing from");

    private static string[] Steps(string path)
    {
        if (path.Length == 0)
            return [];
        if (path[0] != '/')
            throw Refused($"invalid path {path}");
        return [.. path[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static JsonNode? Get(JsonNode? root, string path, bool missingIsNull = false)
    {
        var node = root;
        foreach (var step in Steps(path))
        {
            switch (node)
            {
                case JsonObject obj when obj.TryGetPropertyValue(step, out node):
                    break;
                case JsonArray array when Index(step, array.Count - 1) is { } i:
                    node = array[i];
                    break;
                default:
                    return missingIsNull ? null : throw Refused($"missing path {path}");
            }
        }
        return node;
    }

    private static JsonNode? Set(JsonNode? root, string path, JsonNode? value, bool insert)
    {
        var steps = Steps(path);
        if (steps.Length == 0)
            return value;
        switch (Get(root, Parent(path)))
        {
            case JsonObject obj:
                obj[steps[^1]] = value;
                break;
            case JsonArray array when insert && steps[^1] == "-":
                array.Add(value);
                break;
            case JsonArray array when Index(steps[^1], insert ? array.Count : array.Count - 1) is { } i:
                if (insert)
                    array.Insert(i, value);
                else
                    array[i] = value;
                break;
            default:
                throw Refused($"missing path {path}");
        }
        return root;
    }

    private static JsonNode? Remove(JsonNode? root, string path)
    {
        var steps = Steps(path);
        if (steps.Length == 0)
            return null;
        switch (Get(root, Parent(path)))
        {
            case JsonObject obj when obj.Remove(steps[^1]):
                break;
            case JsonArray array when Index(steps[^1], array.Count - 1) is { } i:
                array.RemoveAt(i);
                break;
            default:
                throw Refused($"missing path {path}");
        }
        return root;
    }

    private static string Parent(string path) => path[..path.LastIndexOf('/')];

    private static int? Index(string step, int max) =>
        int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var i) && i <= max ? i : null;

    private static ApiException Refused(string why) =>
        new(422, "Invalid", $"the server rejected our request due to an error in our request: {why}", new JsonObject());
}
