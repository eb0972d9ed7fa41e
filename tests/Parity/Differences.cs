using System.Text.Json;

namespace Troupe.Parity;

/// <summary>Two JSON documents compared by path; absent, null and empty mean the same, as they do to Go.</summary>
public static class Differences
{
    /// <param name="ignored">Whether a path does not matter; list indices in it are `[]`.</param>
    public static IEnumerable<Difference> Between(JsonElement? expected, JsonElement? actual, Func<string, bool> ignored) => Between("", expected, actual, ignored);

    private static IEnumerable<Difference> Between(string path, JsonElement? expected, JsonElement? actual, Func<string, bool> ignored)
    {
        if (ignored(path))
            return [];
        var (a, b) = (IsNothing(expected) ? null : expected, IsNothing(actual) ? null : actual);
        if (a is null && b is null)
            return [];
        if (a is null || b is null || a.Value.ValueKind != b.Value.ValueKind)
            return [new Difference(path, a, b)];
        return a.Value.ValueKind switch
        {
            JsonValueKind.Object => Names(a.Value).Union(Names(b.Value)).SelectMany(n => Between(path.Length == 0 ? n : $"{path}.{n}", Member(a.Value, n), Member(b.Value, n), ignored)),
            JsonValueKind.Array => Lists(path, [.. a.Value.EnumerateArray()], [.. b.Value.EnumerateArray()], ignored),
            _ => JsonElement.DeepEquals(a.Value, b.Value) ? [] : [new Difference(path, a, b)],
        };
    }

    /// <summary>Named items are matched by name, others by place.</summary>
    private static IEnumerable<Difference> Lists(string path, List<JsonElement> a, List<JsonElement> b, Func<string, bool> ignored)
    {
        var key = new[] { "name", "mountPath", "devicePath", "key" }.FirstOrDefault(k => a.Concat(b).All(i => i.ValueKind is JsonValueKind.Object && i.TryGetProperty(k, out _)));
        if (key is not null && path.EndsWith("volumeMounts", StringComparison.Ordinal))
            key = "mountPath";
        if (key is null || a.Select(i => i.GetProperty(key).GetRawText()).Distinct().Count() < a.Count || b.Select(i => i.GetProperty(key).GetRawText()).Distinct().Count() < b.Count)
            return Enumerable.Range(0, Math.Max(a.Count, b.Count)).SelectMany(i => Between($"{path}[]", i < a.Count ? a[i] : null, i < b.Count ? b[i] : null, ignored));
        var names = a.Concat(b).Select(i => i.GetProperty(key).GetString()).Distinct();
        return names.SelectMany(n => Between($"{path}[{n}]", a.Cast<JsonElement?>().FirstOrDefault(i => i!.Value.GetProperty(key).GetString() == n),
            b.Cast<JsonElement?>().FirstOrDefault(i => i!.Value.GetProperty(key).GetString() == n), ignored));
    }

    private static IEnumerable<string> Names(JsonElement obj) => obj.EnumerateObject().Select(m => m.Name);

    private static JsonElement? Member(JsonElement obj, string name) => obj.TryGetProperty(name, out var value) ? value : null;

    private static bool IsNothing(JsonElement? value) => value is not { } v || v.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => true,
        JsonValueKind.Array => v.GetArrayLength() == 0,
        JsonValueKind.Object => v.EnumerateObject().All(m => IsNothing(m.Value)),
        JsonValueKind.String => v.GetString()!.Length == 0,
        JsonValueKind.False => true,
        JsonValueKind.Number => v.GetRawText() == "0",
        _ => false,
    };
}

public sealed record Difference(string Path, JsonElement? Expected, JsonElement? Actual)
{
    public override string ToString() => $"{Path}: KubeVirt {Text(Expected)}, Troupe {Text(Actual)}";

    private static string Text(JsonElement? value) => value is { } v ? Short(v.GetRawText()) : "nothing";

    private static string Short(string text) => text.Length <= 160 ? text : $"{text[..157]}...";
}
