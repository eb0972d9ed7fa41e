using System.Text;

namespace Troupe.ControlPlane.Admission;

/// <summary>Text as Go's `%q` prints it, which is how KubeVirt quotes what users wrote.</summary>
internal static class GoText
{
    public static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < 0x20 or 0x7f => $"\\x{rune.Value:x2}",
                _ => rune.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>Several errors as one, as Kubernetes' aggregates print them; null without any.</summary>
    public static string? Aggregate(IEnumerable<string> errors) => errors.Distinct().ToList() switch
    {
        [] => null,
        [var one] => one,
        var several => $"[{string.Join(", ", several)}]",
    };
}
