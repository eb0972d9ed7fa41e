using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>Kubernetes' strategic merge patch: lists with a merge key are merged by it, and $-directives steer the rest.</summary>
internal static class StrategicMergePatch
{
    private const string DeletePrimitives = "$deleteFromPrimitiveList/";
    private const string SetOrder = "$setElementOrder/";

    public static JsonObject Apply(JsonObject target, JsonObject patch, Schema schema) => Merge(target.Copy(), patch, schema);

    private static JsonObject Merge(JsonObject target, JsonObject patch, Schema schema)
    {
        switch (Directive(patch))
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
            if (name.StartsWith(DeletePrimitives, StringComparison.Ordinal) && value is JsonArray deleted && target.Arr(name[DeletePrimitives.Length..]) is { } primitives)
                target[name[DeletePrimitives.Length..]] = new JsonArray([.. primitives.Where(p => !deleted.Any(d => d.SameAs(p))).Select(p => p?.DeepClone())]);
        }
        foreach (var (name, value) in patch.Where(p => !p.Key.StartsWith('$')))
        {
            var property = schema.Inside(name);
            switch (value)
            {
                case null:
                    target.Remove(name);
                    break;
                case JsonObject obj when Directive(obj) == "delete":
                    target.Remove(name);
                    break;
                case JsonObject obj:
                    target[name] = Merge(target[name] is JsonObject old ? old.Copy() : [], obj, property);
                    break;
                case JsonArray array when property.PatchMergeKey is not null || property.ListType == ListType.Set:
                    target[name] = MergeList(target.Arr(name), array, patch.Arr(SetOrder + name), property);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
        // An order without the list itself: nothing but the order changes.
        foreach (var (directive, order) in patch)
        {
            if (directive.StartsWith(SetOrder, StringComparison.Ordinal) && directive[SetOrder.Length..] is var name
                && order is JsonArray wanted && !patch.ContainsKey(name) && target.Arr(name) is { } list)
                target[name] = MergeList(list, [], wanted, schema.Inside(name));
        }
        return target;
    }

    /// <exception cref="ApiException">400 for a directive that there isn't.</exception>
    private static string? Directive(JsonObject patch) => patch.At("$patch") switch
    {
        null => null,
        var node when node.AsString() is "replace" or "delete" or "merge" => node.AsString(),
        var other => throw ApiException.BadRequest($"Unknown patch type: {other.Display()} in map: {patch.ToUtf8Text()}"),
    };

    private static JsonArray MergeList(JsonArray? target, JsonArray patch, JsonArray? order, Schema list)
    {
        var key = list.PatchMergeKey;
        JsonNode? Id(JsonNode? item) => key is null ? item : item.At(key);
        if (patch.Any(p => p is JsonObject o && Directive(o) == "replace"))
            return new JsonArray([.. patch.Where(p => p.Str("$patch") is null).Select(p => p?.DeepClone())]);
        var live = target?.Select(i => i?.DeepClone()).ToList() ?? [];
        var items = live.ToList();
        var mentioned = new List<JsonNode?>();
        foreach (var change in patch)
        {
            if (key is not null && change is not JsonObject)
                throw ApiException.BadRequest($"expected a map with the merge key {key}, but found {change.Display()}");
            var id = Id(change) ?? throw ApiException.BadRequest($"map: {change.ToUtf8Text()} does not contain declared merge key: {key}");
            var at = items.FindIndex(i => Id(i).SameAs(id));
            if (change is JsonObject map && Directive(map) == "delete")
            {
                items.RemoveAll(i => Id(i).SameAs(id));
                continue;
            }
            mentioned.Add(id);
            if (change is JsonObject obj)
            {
                var merged = Merge(at >= 0 && items[at] is JsonObject old ? old : [], obj, list.Items ?? Schema.Anything);
                if (at >= 0)
                    items[at] = merged;
                else
                    items.Add(merged);
            }
            else if (at < 0)
                items.Add(change?.DeepClone());
        }
        var wanted = order?.Select(Id).ToList() ?? mentioned;
        return Ordered(items, wanted, [.. live.Select(Id)], Id);
    }

    /// <summary>
    /// The patch's items in the patch's order, and between them those that only the server has, each before the first of the
    /// patch's that it preceded.
    /// </summary>
    private static JsonArray Ordered(List<JsonNode?> items, List<JsonNode?> wanted, List<JsonNode?> liveOrder, Func<JsonNode?, JsonNode?> idOf)
    {
        static int Index(List<JsonNode?> order, JsonNode? id) => order.FindIndex(o => o.SameAs(id));
        var patched = items.Where(i => Index(wanted, idOf(i)) >= 0).OrderBy(i => Index(wanted, idOf(i))).ToList();
        var others = items.Where(i => Index(wanted, idOf(i)) < 0).ToList();
        var result = new JsonArray();
        int p = 0, o = 0;
        while (p < patched.Count || o < others.Count)
        {
            var takeOther = p >= patched.Count
                || (o < others.Count && Index(liveOrder, idOf(patched[p])) is >= 0 and var mine && Index(liveOrder, idOf(others[o])) is >= 0 and var its && its < mine);
            result.Add((takeOther ? others[o++] : patched[p++])?.DeepClone());
        }
        return result;
    }

    private static JsonObject Clean(JsonObject patch)
    {
        var copy = patch.Copy();
        foreach (var directive in copy.Select(p => p.Key).Where(k => k.StartsWith('$')).ToList())
            copy.Remove(directive);
        return copy;
    }
}
