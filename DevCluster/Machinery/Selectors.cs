using System.Globalization;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Machinery;

internal sealed record LabelRequirement(string Key, string Operator, IReadOnlyList<string> Values)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            "In" => present && Values.Contains(value),
            "NotIn" => !present || !Values.Contains(value),
            "Exists" => present,
            "DoesNotExist" => !present,
            "Gt" => present && long.TryParse(value, out var n) && n > long.Parse(Values[0], CultureInfo.InvariantCulture),
            _ => present && long.TryParse(value, out var n) && n < long.Parse(Values[0], CultureInfo.InvariantCulture),
        };
    }
}

/// <summary>A label selector in its query-string form, e.g. <c>app in (a,b),!canary,tier=web</c>.</summary>
internal sealed record LabelSelector(IReadOnlyList<LabelRequirement> Requirements)
{
    public static readonly LabelSelector Everything = new([]);

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels))
                return false;
        }
        return true;
    }

    /// <exception cref="ApiException">400 with what is wrong.</exception>
    public static LabelSelector Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return Everything;
        var requirements = new List<LabelRequirement>();
        foreach (var part in Split(text))
            requirements.Add(Requirement(part.Trim(), text));
        return new LabelSelector(requirements);
    }

    private static LabelRequirement Requirement(string part, string text)
    {
        ApiException Bad(string why) => ApiException.BadRequest($"unable to parse requirement: {why} in \"{text}\"");
        string Key(string key)
        {
            key = key.Trim();
            return Names.LabelKeyProblem(key) is { } problem ? throw Bad($"<nil>: Invalid value: \"{key}\": {problem}") : key;
        }
        string Value(string value)
        {
            value = value.Trim();
            return Names.LabelValueProblem(value) is { } problem ? throw Bad($"values[0][]: Invalid value: \"{value}\": {problem}") : value;
        }
        if (part.Length == 0)
            throw Bad("found ',', expected: identifier");
        if (part[0] == '!')
            return new LabelRequirement(Key(part[1..]), "DoesNotExist", []);
        var at = part.IndexOfAny(['=', '!', '<', '>']);
        if (at > 0)
        {
            var (op, length) = part[at..] switch
            {
                ['=', '=', ..] => ("In", 2),
                ['=', ..] => ("In", 1),
                ['!', '=', ..] => ("NotIn", 2),
                ['>', ..] => ("Gt", 1),
                ['<', ..] => ("Lt", 1),
                _ => throw Bad("found '!', expected: in, notin, =, ==, !=, gt, lt"),
            };
            var value = Value(part[(at + length)..]);
            if (op is "Gt" or "Lt" && !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                throw Bad($"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer");
            return new LabelRequirement(Key(part[..at]), op, [value]);
        }
        var open = part.IndexOf('(', StringComparison.Ordinal);
        if (open < 0)
            return new LabelRequirement(Key(part), "Exists", []);
        if (part[^1] != ')')
            throw Bad("expected: ',' or ')'");
        var head = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (head is not [var key, "in" or "notin"])
            throw Bad($"found '{part[..open].Trim()}', expected: in, notin");
        return new LabelRequirement(Key(key), head[1] == "in" ? "In" : "NotIn", [.. part[(open + 1)..^1].Split(',').Select(Value)]);
    }

    private static IEnumerable<string> Split(string text)
    {
        var depth = 0;
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '(')
                depth++;
            else if (text[i] == ')')
                depth--;
            else if (text[i] == ',' && depth == 0)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }
}

internal sealed record FieldRequirement(string Path, bool Equal, string Value);

/// <summary>A field selector, e.g. <c>spec.nodeName=node-1,status.phase!=Failed</c>; only the paths that a resource declares.</summary>
internal sealed record FieldSelector(IReadOnlyList<FieldRequirement> Requirements)
{
    public static readonly FieldSelector Everything = new([]);

    public bool Matches(Func<string, string> field)
    {
        foreach (var requirement in Requirements)
        {
            if (field(requirement.Path) == requirement.Value != requirement.Equal)
                return false;
        }
        return true;
    }

    /// <summary>The one name that can match, when the selector asks for one.</summary>
    public string? ExactName => Requirements.FirstOrDefault(r => r is { Path: "metadata.name", Equal: true })?.Value;

    /// <exception cref="ApiException">400 for bad syntax or a path that isn't selectable.</exception>
    public static FieldSelector Parse(string? text, IReadOnlyCollection<string> selectable, bool custom = false)
    {
        if (string.IsNullOrEmpty(text))
            return Everything;
        var requirements = new List<FieldRequirement>();
        foreach (var part in Split(text))
        {
            if (part.Length == 0)
                continue;
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw ApiException.BadRequest($"invalid selector: '{text}'; can't understand '{part}'");
            var equal = part[at - 1] != '!';
            var path = part[..(equal ? at : at - 1)];
            var value = part[(at + 1)..];
            if (equal && value.StartsWith('='))
                value = value[1..];
            if (path is not ("metadata.name" or "metadata.namespace") && !selectable.Contains(path))
            {
                // A kind that declares nothing of its own answers in the words of the common conversion.
                throw ApiException.BadRequest(custom || selectable.Count > 0
                    ? $"field label not supported: {path}"
                    : $"\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
            }
            requirements.Add(new FieldRequirement(path, equal, Unescape(value)));
        }
        return new FieldSelector(requirements);
    }

    private static string Unescape(string value) =>
        value.Replace("\\,", ",", StringComparison.Ordinal).Replace("\\=", "=", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    private static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == ',')
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }
}
