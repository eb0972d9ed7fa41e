using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>RFC 7386.</summary>
internal static class MergePatch
{
    public static JsonNode? Apply(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes)
            return patch?.DeepClone();
        var result = target is JsonObject obj ? obj.Copy() : [];
        foreach (var (name, value) in changes)
        {
            if (value is null)
                result.Remove(name);
            else
                result[name] = Apply(result[name], value);
        }
        return result;
    }
}

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

/// <summary>Kubernetes' strategic merge patch: lists with a merge key are merged by it, and $-directives steer the rest.</summary>
internal static class StrategicMergePatch
{
    public static JsonObject Apply(JsonObject target, JsonObject patch, Schema schema) => Merge(target.Copy(), patch, schema);

    private static JsonObject Merge(JsonObject target, JsonObject patch, Schema schema)
    {
        switch (patch.Str("$patch"))
        {
            case "replace":
                return Clean(patch);
            case "delete":
                return [];
        }
        if (patch.Arr("$retainKeys") is { } retained)
        {
            var keep = retained.Select(k => k.AsString()).ToHashSet();
            foreach (var name in target.Select(p => p.Key).Where(k => !keep.Contains(k)).ToList())
                target.Remove(name);
        }
        foreach (var (name, value) in patch)
        {
            if (name.StartsWith('$'))
            {
                if (name.StartsWith("$deleteFromPrimitiveList/", StringComparison.Ordinal)
                    && target.Arr(name[25..]) is { } primitives && value is JsonArray deleted)
                    target[name[25..]] = new JsonArray([.. primitives.Where(p => !deleted.Any(d => d.SameAs(p))).Select(p => p?.DeepClone())]);
                continue;
            }
            var property = schema.Inside(name);
            switch (value)
            {
                case null:
                    target.Remove(name);
                    break;
                case JsonObject obj when obj.Str("$patch") == "delete":
                    target.Remove(name);
                    break;
                case JsonObject obj:
                    target[name] = Merge(target[name] is JsonObject old ? old.Copy() : [], obj, property);
                    break;
                case JsonArray array when property.PatchMergeKey is { } key:
                    target[name] = MergeByKey(target.Arr(name), array, key, property);
                    break;
                case JsonArray array when property.ListType == ListType.Set && target.Arr(name) is { } have:
                    target[name] = new JsonArray([.. have.Concat(array.Where(a => !have.Any(h => h.SameAs(a)))).Select(i => i?.DeepClone())]);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
        foreach (var (directive, order) in patch)
        {
            if (directive.StartsWith("$setElementOrder/", StringComparison.Ordinal) && order is JsonArray wanted && target.Arr(directive[17..]) is { } list)
                target[directive[17..]] = Reorder(list, wanted, schema.Inside(directive[17..]).PatchMergeKey);
        }
        return target;
    }

    private static JsonArray MergeByKey(JsonArray? target, JsonArray patch, string key, Schema list)
    {
        var items = target?.Select(i => i?.DeepClone()).ToList() ?? [];
        if (patch.Any(p => p.Str("$patch") == "replace"))
            return new JsonArray([.. patch.Where(p => p.Str("$patch") is null).Select(p => p?.DeepClone())]);
        foreach (var change in patch.OfType<JsonObject>())
        {
            var id = change[key] ?? throw ApiException.BadRequest($"map: {change.ToUtf8Text()} does not contain declared merge key: {key}");
            var at = items.FindIndex(i => i.At(key).SameAs(id));
            if (change.Str("$patch") == "delete")
                items.RemoveAll(i => i.At(key).SameAs(id));
            else if (at >= 0 && items[at] is JsonObject old)
                items[at] = Merge(old, change, list.Items ?? Schema.Anything);
            else
                items.Add(Merge([], change, list.Items ?? Schema.Anything));
        }
        return new JsonArray([.. items]);
    }

    private static JsonArray Reorder(JsonArray list, JsonArray wanted, string? key)
    {
        JsonNode? Id(JsonNode? item) => key is null ? item : item.At(key);
        int Rank(JsonNode? item)
        {
            for (var i = 0; i < wanted.Count; i++)
            {
                if (Id(wanted[i]).SameAs(Id(item)))
                    return i;
            }
            return -1;
        }
        // Items the order doesn't mention (another client's) keep their place behind what preceded them.
        var ranked = new List<(int Rank, JsonNode? Item)>();
        var last = -1;
        foreach (var item in list)
        {
            var rank = Rank(item);
            if (rank >= 0)
                last = rank;
            ranked.Add((rank >= 0 ? rank : last, item));
        }
        return new JsonArray([.. ranked.OrderBy(r => r.Rank).Select(r => r.Item?.DeepClone())]);
    }

    private static JsonObject Clean(JsonObject patch)
    {
        var copy = patch.Copy();
        foreach (var directive in copy.Select(p => p.Key).Where(k => k.StartsWith('$')).ToList())
            copy.Remove(directive);
        return copy;
    }
}
