using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

/// <summary>A label selector as the scale subresource wants it: one line, as `kubectl -l` takes it.</summary>
public static class SelectorText
{
    public static string? Of(LabelSelector? selector)
    {
        if (selector is null)
            return null;
        var labels = (selector.MatchLabels ?? new Dictionary<string, string>()).OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}");
        var expressions = (selector.MatchExpressions ?? []).Select(e => e.Operator switch
        {
            "Exists" => e.Key!,
            "DoesNotExist" => "!" + e.Key,
            "NotIn" => $"{e.Key} notin ({string.Join(',', (e.Values ?? []).Order(StringComparer.Ordinal))})",
            _ => $"{e.Key} in ({string.Join(',', (e.Values ?? []).Order(StringComparer.Ordinal))})",
        });
        return string.Join(',', labels.Concat(expressions));
    }
}
