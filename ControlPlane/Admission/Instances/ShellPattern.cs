using System.Text;
using System.Text.RegularExpressions;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>File name patterns as Go matches them: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes. One that can't be read matches nothing.</summary>
internal static class ShellPattern
{
    public static bool Matches(string pattern, string text)
    {
        var regex = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '*':
                    regex.Append("[^/]*");
                    break;
                case '?':
                    regex.Append("[^/]");
                    break;
                case '[' when pattern.IndexOf(']', i + 1) is > 0 and var end && end > i + 1:
                    regex.Append(pattern, i, end - i + 1);
                    i = end;
                    break;
                case '[':
                    return false;
                case '\\' when i + 1 < pattern.Length:
                    regex.Append(Regex.Escape(pattern[++i].ToString()));
                    break;
                default:
                    regex.Append(Regex.Escape(pattern[i].ToString()));
                    break;
            }
        }

        try
        {
            return Regex.IsMatch(text, regex.Append("\\z").ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
