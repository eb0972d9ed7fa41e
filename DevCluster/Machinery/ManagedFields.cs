using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

internal sealed record ManagedEntry(string Manager, string Operation, string ApiVersion, string Subresource, string? Time, FieldSet Fields)
{
    public bool IsApply => Operation == "Apply";

    public bool SameManager(ManagedEntry other) =>
        Manager == other.Manager && Operation == other.Operation && Subresource == other.Subresource
        && (IsApply || ApiVersion == other.ApiVersion);
}

/// <summary>metadata.managedFields: who set which field, kept up by every write; and server-side apply, which decides by it.</summary>
internal static class ManagedFields
{
    private static readonly FieldSet NeverOwned = FieldSet.FromJson(new JsonObject
    {
        ["f:apiVersion"] = new JsonObject(),
        ["f:kind"] = new JsonObject(),
        ["f:metadata"] = new JsonObject
        {
            ["."] = new JsonObject(),
            ["f:name"] = new JsonObject(),
            ["f:namespace"] = new JsonObject(),
            ["f:generateName"] = new JsonObject(),
            ["f:uid"] = new JsonObject(),
            ["f:selfLink"] = new JsonObject(),
            ["f:generation"] = new JsonObject(),
            ["f:resourceVersion"] = new JsonObject(),
            ["f:creationTimestamp"] = new JsonObject(),
            ["f:deletionTimestamp"] = new JsonObject(),
            ["f:deletionGracePeriodSeconds"] = new JsonObject(),
        },
    });

    /// <summary>Records a create or update in <paramref name="after"/>'s managedFields.</summary>
    /// <param name="before">Null for a create.</param>
    public static void Track(JsonObject? before, JsonObject after, Schema schema, string manager, string subresource, DateTimeOffset now)
    {
        var entries = Given(before, after, subresource);
        var old = before is null ? new JsonObject() : Bare(before);
        var current = Bare(after);
        var diff = FieldDiff.Between(old, current, schema);
        var changed = diff.Changed.Except(NeverOwned);
        var gone = changed.Union(diff.Removed);
        var me = new ManagedEntry(manager, "Update", after.Str("apiVersion") ?? "", subresource, Format(now), changed);
        var result = new List<ManagedEntry>();
        var found = false;
        foreach (var entry in entries)
        {
            if (entry.SameManager(me))
            {
                found = true;
                var fields = entry.Fields.Union(changed).Except(diff.Removed);
                result.Add(entry with { Fields = fields, Time = fields.SameAs(entry.Fields) && changed.IsEmpty ? entry.Time : me.Time });
            }
            else
                result.Add(entry with { Fields = entry.Fields.Except(gone) });
        }
        if (!found && !changed.IsEmpty)
            result.Add(me);
        Write(after, result);
    }

    /// <summary>
    /// The entries to go on from: those that the writer sent (clients may hand fields over to another manager, or send one empty entry
    /// to forget all), else the stored ones, so that a client which doesn't know of them doesn't lose them.
    /// </summary>
    private static List<ManagedEntry> Given(JsonObject? before, JsonObject after, string subresource)
    {
        var stored = before is null ? [] : Read(before);
        if (subresource.Length > 0 || after.Arr("metadata", "managedFields") is not { } sent)
            return stored;
        if (sent is [] or [JsonObject { Count: 0 }])
            return [];
        var entries = Read(after);
        return entries.All(e => e.Operation is "Apply" or "Update" && e.ApiVersion.Length > 0) ? entries : stored;
    }

    /// <summary>The result of server-side apply; <paramref name="live"/> is null when the object is to be created.</summary>
    public static JsonObject Apply(JsonObject? live, JsonObject config, Schema schema, string manager, string subresource, bool force, DateTimeOffset now)
    {
        var entries = live is null ? [] : Read(live);
        // An object that nobody is known to manage is somebody's nevertheless.
        if (live is not null && entries.Count == 0)
        {
            var all = FieldDiff.Between([], Bare(live), schema).Added.Except(NeverOwned);
            entries = [new ManagedEntry("before-first-apply", "Update", live.Str("apiVersion") ?? "", "", Format(now), all)];
        }
        var wanted = FieldSet.Of(Bare(config), schema).Except(NeverOwned);
        var me = new ManagedEntry(manager, "Apply", config.Str("apiVersion") ?? "", subresource, Format(now), wanted);
        var mine = entries.FirstOrDefault(e => e.SameManager(me));
        var others = entries.Where(e => e != mine).ToList();
        var before = live is null ? new JsonObject() : Bare(live);
        var merged = (JsonObject)Merge(before, Bare(config), schema)!;
        if (mine is not null)
        {
            var kept = others.Aggregate(wanted, (set, e) => set.Union(e.Fields));
            Remove(merged, schema, mine.Fields.Except(wanted), kept);
        }
        var diff = FieldDiff.Between(before, merged, schema);
        var changed = diff.Changed.Except(NeverOwned);
        var conflicts = others.Select(e => (Entry: e, Fields: e.Fields.Intersect(changed))).Where(c => !c.Fields.IsEmpty).ToList();
        if (conflicts.Count > 0 && !force)
            throw Conflict(conflicts);
        var lost = changed.Union(diff.Removed);
        var result = others.Select(e => e with { Fields = e.Fields.Except(lost) }).ToList();
        if (mine is not null && mine.Fields.SameAs(wanted) && diff.Removed.IsEmpty && changed.IsEmpty)
            me = me with { Time = mine.Time };
        result.Add(me);
        Write(merged, result);
        return merged;
    }

    private static ApiException Conflict(List<(ManagedEntry Entry, FieldSet Fields)> conflicts)
    {
        var causes = new JsonArray();
        var lines = new List<string>();
        var total = 0;
        foreach (var (entry, fields) in conflicts)
        {
            var who = $"\"{entry.Manager}\"{(entry.Subresource.Length > 0 ? $" with subresource \"{entry.Subresource}\"" : "")}{(entry.IsApply ? "" : $" using {entry.ApiVersion}")}";
            var paths = fields.Paths().ToList();
            total += paths.Count;
            lines.Add(paths.Count == 1 ? $"conflict with {who}: {paths[0]}" : $"conflicts with {who}:\n- {string.Join("\n- ", paths)}");
            foreach (var path in paths)
                causes.Add((JsonNode)new JsonObject { ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {who}", ["field"] = path });
        }
        var message = $"Apply failed with {total} conflict{(total == 1 ? "" : "s")}: {string.Join("\n", lines)}";
        return new ApiException(409, "Conflict", message, new JsonObject { ["causes"] = causes });
    }

    private static JsonNode? Merge(JsonNode? live, JsonNode? config, Schema schema)
    {
        switch (live, config)
        {
            case (JsonObject x, JsonObject y) when !schema.AtomicMap:
                var result = x.Copy();
                foreach (var (name, value) in y)
                    result[name] = Merge(result[name], value, schema.Inside(name))?.DeepClone();
                return result;
            case (JsonArray x, JsonArray y) when schema.ListType == ListType.Map:
                return MergeLists(x, y, item => FieldSet.MapKey(item, schema), (a, b) => Merge(a, b, schema.Items ?? Schema.Anything));
            case (JsonArray x, JsonArray y) when schema.ListType == ListType.Set:
                return MergeLists(x, y, item => item.ToUtf8Text(), (_, b) => b);
            default:
                return config?.DeepClone();
        }
    }

    /// <summary>Applied items come in the applied order; items of others keep their place relative to what precedes them.</summary>
    private static JsonArray MergeLists(JsonArray live, JsonArray config, Func<JsonNode?, string> keyOf, Func<JsonNode?, JsonNode?, JsonNode?> merge)
    {
        var applied = config.Select(keyOf).ToList();
        var appliedSet = applied.ToHashSet();
        var liveByKey = new Dictionary<string, JsonNode?>();
        foreach (var item in live)
            liveByKey[keyOf(item)] = item;
        var result = new JsonArray();
        var next = 0;
        void TakeApplied()
        {
            var item = config[next];
            result.Add((liveByKey.TryGetValue(applied[next], out var old) ? merge(old, item) : item)?.DeepClone());
            next++;
        }
        foreach (var item in live)
        {
            var key = keyOf(item);
            if (!appliedSet.Contains(key))
                result.Add(item?.DeepClone());
            else
            {
                while (next < applied.Count && applied.IndexOf(key) >= next)
                    TakeApplied();
            }
        }
        while (next < applied.Count)
            TakeApplied();
        return result;
    }

    private static readonly FieldSet Nothing = new();

    /// <summary>Takes out what the manager no longer applies, unless someone still owns it or something inside of it.</summary>
    private static void Remove(JsonNode? value, Schema schema, FieldSet gone, FieldSet kept)
    {
        switch (value)
        {
            case JsonObject obj:
                foreach (var (edge, child) in gone.Children)
                {
                    var name = edge[2..];
                    if (!obj.ContainsKey(name))
                        continue;
                    var still = kept.Children.GetValueOrDefault(edge, Nothing);
                    if (child.Member && still.IsEmpty)
                    {
                        obj.Remove(name);
                        continue;
                    }
                    Remove(obj[name], schema.Inside(name), child, still);
                    if (still.IsEmpty && obj[name] is JsonObject { Count: 0 } or JsonArray { Count: 0 })
                        obj.Remove(name);
                }
                break;
            case JsonArray array:
                foreach (var (edge, child) in gone.Children)
                {
                    var still = kept.Children.GetValueOrDefault(edge, Nothing);
                    var item = array.FirstOrDefault(i => edge == (schema.ListType == ListType.Map ? "k:" + FieldSet.MapKey(i, schema) : "v:" + i.ToUtf8Text()));
                    if (item is null)
                        continue;
                    if (child.Member && still.IsEmpty)
                        array.Remove(item);
                    else
                        Remove(item, schema.Items ?? Schema.Anything, child, still);
                }
                break;
        }
    }

    private static JsonObject Bare(JsonObject obj)
    {
        var copy = obj.Copy();
        copy.Obj("metadata")?.Remove("managedFields");
        return copy;
    }

    public static List<ManagedEntry> Read(JsonObject obj) =>
        obj.Arr("metadata", "managedFields")?.OfType<JsonObject>().Select(e => new ManagedEntry(
            e.Str("manager") ?? "", e.Str("operation") ?? "", e.Str("apiVersion") ?? "", e.Str("subresource") ?? "", e.Str("time"), FieldSet.FromJson(e["fieldsV1"]))).ToList() ?? [];

    private static void Write(JsonObject obj, IEnumerable<ManagedEntry> entries)
    {
        var array = new JsonArray();
        foreach (var entry in entries)
        {
            if (entry.Fields.IsEmpty)
                continue;
            var json = new JsonObject
            {
                ["manager"] = entry.Manager,
                ["operation"] = entry.Operation,
                ["apiVersion"] = entry.ApiVersion,
                ["time"] = entry.Time,
                ["fieldsType"] = "FieldsV1",
                ["fieldsV1"] = entry.Fields.ToJson(),
            };
            if (entry.Subresource.Length > 0)
                json["subresource"] = entry.Subresource;
            array.Add((JsonNode)json);
        }
        if (array.Count > 0)
            obj.Meta()["managedFields"] = array;
        else
            obj.Meta().Remove("managedFields");
    }

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
