using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Discovery;

/// <summary>Adds an aggregated server's OpenAPI v2 document to this server's own, as kube-aggregator does. Pure but for the document it adds to.</summary>
internal static class OpenApiMerge
{
    private const string Prefix = "#/definitions/";
    private const string Gvk = "x-kubernetes-group-version-kind";

    /// <param name="document">Receives the paths and the definitions that they need.</param>
    /// <param name="other">What the other server says of itself.</param>
    /// <param name="root">The path below which it is asked.</param>
    public static void Add(JsonObject document, JsonObject other, string root)
    {
        var (paths, definitions) = (document.Child("paths"), document.Child("definitions"));
        var added = (other.Obj("paths") ?? []).Where(p => (p.Key == root || p.Key.StartsWith(root + "/", StringComparison.Ordinal)) && !paths.ContainsKey(p.Key)).ToList();
        var theirs = other.Obj("definitions") ?? [];
        var names = Needed(added.Select(p => p.Value), theirs);
        var renamed = names.ToDictionary(name => name, name => NameFor(name, theirs, definitions));
        foreach (var name in names)
        {
            var definition = Renamed(theirs[name], renamed)!.AsObject();
            if (definitions.Obj(renamed[name]) is { } known)
                JoinKinds(known, definition);
            else
                definitions[renamed[name]] = definition;
        }
        foreach (var (path, item) in added)
            paths[path] = Renamed(item, renamed);
    }

    /// <summary>All definitions that are referred to, directly or by one another.</summary>
    private static SortedSet<string> Needed(IEnumerable<JsonNode?> from, JsonObject definitions)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var open = new Stack<JsonNode?>(from);
        while (open.TryPop(out var node))
        {
            switch (node)
            {
                case JsonArray array:
                    foreach (var item in array)
                        open.Push(item);
                    break;
                case JsonObject obj:
                    foreach (var (key, value) in obj)
                    {
                        if (key == "$ref" && Referred(value) is { } name && definitions.ContainsKey(name) && found.Add(name))
                            open.Push(definitions[name]);
                        open.Push(value);
                    }
                    break;
            }
        }
        return found;
    }

    /// <summary>Its own, where that is free or means the same; else the first with a number that is.</summary>
    private static string NameFor(string name, JsonObject theirs, JsonObject taken)
    {
        var candidate = name;
        for (var number = 2; taken.TryGetPropertyValue(candidate, out var known) ? !Same(known, theirs[name]) : candidate != name && theirs.ContainsKey(candidate); number++)
            candidate = $"{name}_v{number}";
        return candidate;
    }

    /// <summary>A definition may belong to more kinds here than there.</summary>
    private static bool Same(JsonNode? a, JsonNode? b) => WithoutKinds(a).SameAs(WithoutKinds(b));

    private static JsonNode? WithoutKinds(JsonNode? definition)
    {
        if (definition is not JsonObject obj || !obj.ContainsKey(Gvk))
            return definition;
        var copy = obj.Copy();
        copy.Remove(Gvk);
        return copy;
    }

    private static void JoinKinds(JsonObject known, JsonObject more)
    {
        foreach (var kind in more.Arr(Gvk) ?? [])
        {
            if (known[Gvk] is not JsonArray kinds)
                known[Gvk] = kinds = [];
            if (!kinds.Any(k => k.SameAs(kind)))
                kinds.Add(kind?.DeepClone());
        }
    }

    private static JsonNode? Renamed(JsonNode? node, Dictionary<string, string> names) => node switch
    {
        JsonObject obj => new JsonObject(obj.Select(p => KeyValuePair.Create(p.Key, p.Key == "$ref" && Referred(p.Value) is { } name && names.TryGetValue(name, out var now) ? Prefix + now : Renamed(p.Value, names)))),
        JsonArray array => new JsonArray([.. array.Select(i => Renamed(i, names))]),
        _ => node?.DeepClone(),
    };

    private static string? Referred(JsonNode? reference) => reference.AsString() is { } text && text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : null;
}
