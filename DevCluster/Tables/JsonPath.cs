using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Tables;

/// <summary>
/// The JSONPath subset of printer columns and selectable paths: <c>.a.b</c>, <c>['a.b']</c>, <c>[0]</c>, <c>[*]</c> and
/// <c>[?(@.type=="Ready")]</c>.
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Func<JsonNode?, IEnumerable<JsonNode?>>> _steps = [];

    /// <exception cref="FormatException">Not in the subset.</exception>
    public JsonPath(string path)
    {
        var at = 0;
        if (path.StartsWith('$'))
            at = 1;
        while (at < path.Length)
        {
            if (path[at] == '.')
            {
                var start = ++at;
                while (at < path.Length && path[at] is not ('.' or '['))
                    at += path[at] == '\\' && at + 1 < path.Length ? 2 : 1;
                var name = path[start..at].Replace("\\.", ".", StringComparison.Ordinal);
                if (name == "*")
                    _steps.Add(Children);
                else if (name.Length > 0)
                    _steps.Add(n => [n.At(name)]);
            }
            else if (path[at] == '[')
            {
                var end = Close(path, at);
                _steps.Add(Bracket(path[(at + 1)..end].Trim(), path));
                at = end + 1;
            }
            else
                throw new FormatException($"unexpected '{path[at]}' in JSON path {path}");
        }
    }

    /// <summary>Why a path can't be used, or null.</summary>
    public static string? Problem(string path)
    {
        try
        {
            _ = new JsonPath(path);
            return path.Length == 0 ? "must not be empty" : null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    public IEnumerable<JsonNode?> All(JsonNode root)
    {
        IEnumerable<JsonNode?> nodes = [root];
        foreach (var step in _steps)
            nodes = nodes.Where(n => n is not null).SelectMany(step);
        return nodes.Where(n => n is not null);
    }

    public JsonNode? First(JsonNode root) => All(root).FirstOrDefault();

    private static int Close(string path, int open)
    {
        var depth = 0;
        var quote = '\0';
        for (var i = open; i < path.Length; i++)
        {
            var c = path[i];
            if (quote != '\0')
                quote = c == quote ? '\0' : quote;
            else if (c is '\'' or '"')
                quote = c;
            else if (c == '[')
                depth++;
            else if (c == ']' && --depth == 0)
                return i;
        }
        throw new FormatException($"unterminated array in JSON path {path}");
    }

    private static Func<JsonNode?, IEnumerable<JsonNode?>> Bracket(string inside, string path)
    {
        if (inside == "*")
            return Children;
        if (int.TryParse(inside, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            return n => n is JsonArray a && (index < 0 ? a.Count + index : index) is var i && i >= 0 && i < a.Count ? [a[i]] : [];
        if (inside.Length >= 2 && inside[0] is '\'' or '"')
        {
            var name = inside[1..^1];
            return n => [n.At(name)];
        }
        if (inside.StartsWith("?(", StringComparison.Ordinal) && inside.EndsWith(')'))
        {
            var test = inside[2..^1].Trim();
            foreach (var op in new[] { "==", "!=" })
            {
                var split = test.Split(op, 2);
                if (split.Length != 2 || !split[0].Trim().StartsWith('@'))
                    continue;
                var left = new JsonPath(split[0].Trim()[1..]);
                var right = split[1].Trim().Trim('\'', '"');
                return n => Children(n).Where(c => c is not null && (left.First(c).Display() == right) == (op == "=="));
            }
        }
        throw new FormatException($"unsupported filter in JSON path {path}");
    }

    private static IEnumerable<JsonNode?> Children(JsonNode? node) => node switch
    {
        JsonArray array => array,
        JsonObject obj => obj.Select(p => p.Value),
        _ => [],
    };
}
