using System.Text;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>Kubernetes' <c>$(NAME)</c> references: unknown names stay as they are, <c>$$</c> is a literal dollar.</summary>
internal static class Variables
{
    public static string Expand(string text, IReadOnlyDictionary<string, string> values)
    {
        if (!text.Contains('$')) return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }
            if (text[i + 1] == '$')
            {
                result.Append('$');
                i++;
            }
            else if (text[i + 1] == '(' && text.IndexOf(')', i) is > 0 and var close)
            {
                var reference = text[i..(close + 1)];
                result.Append(values.GetValueOrDefault(reference[2..^1], reference));
                i = close;
            }
            else
            {
                result.Append('$');
            }
        }
        return result.ToString();
    }
}
