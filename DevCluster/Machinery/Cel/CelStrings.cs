using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Functions on strings: the language's own, the strings extension, and Kubernetes' find and findAll. Positions count code points.</summary>
internal static class CelStrings
{
    private const int MaxRegexes = 1000;
    private static readonly ConcurrentDictionary<string, Regex> Regexes = new();

    public static IEnumerable<CelOverload> All() => [.. Standard(), .. Extension(), .. Searching()];

    private static CelOverload Member(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, true, arguments, result, run);

    private static string S(object? value) => (string)value!;

    private static IEnumerable<CelOverload> Standard()
    {
        yield return new CelOverload("size", false, [CelType.String], Int, a => Length(S(a[0])));
        yield return Member("size", Int, a => Length(S(a[0])), CelType.String);
        yield return new CelOverload("size", false, [Bytes], Int, a => (long)((byte[])a[0]!).Length);
        yield return Member("size", Int, a => (long)((byte[])a[0]!).Length, Bytes);
        yield return Member("contains", Bool, a => S(a[0]).Contains(S(a[1]), StringComparison.Ordinal), CelType.String, CelType.String);
        yield return Member("startsWith", Bool, a => S(a[0]).StartsWith(S(a[1]), StringComparison.Ordinal), CelType.String, CelType.String);
        yield return Member("endsWith", Bool, a => S(a[0]).EndsWith(S(a[1]), StringComparison.Ordinal), CelType.String, CelType.String);
        yield return Member("matches", Bool, a => Pattern(S(a[1])).IsMatch(S(a[0])), CelType.String, CelType.String);
        yield return new CelOverload("matches", false, [CelType.String, CelType.String], Bool, a => Pattern(S(a[1])).IsMatch(S(a[0])));
    }

    private static IEnumerable<CelOverload> Extension() =>
    [
        Member("lowerAscii", CelType.String, a => string.Concat(S(a[0]).Select(c => char.IsAsciiLetterUpper(c) ? (char)(c + 32) : c)), CelType.String),
        Member("upperAscii", CelType.String, a => string.Concat(S(a[0]).Select(c => char.IsAsciiLetterLower(c) ? (char)(c - 32) : c)), CelType.String),
        Member("trim", CelType.String, a => S(a[0]).Trim(), CelType.String),
        Member("reverse", CelType.String, a => string.Concat(S(a[0]).EnumerateRunes().Reverse().Select(r => r.ToString())), CelType.String),
        Member("charAt", CelType.String, a => CharAt(S(a[0]), (long)a[1]!), CelType.String, Int),
        Member("substring", CelType.String, a => Substring(S(a[0]), (long)a[1]!, Length(S(a[0]))), CelType.String, Int),
        Member("substring", CelType.String, a => Substring(S(a[0]), (long)a[1]!, (long)a[2]!), CelType.String, Int, Int),
        Member("replace", CelType.String, a => Replace(S(a[0]), S(a[1]), S(a[2]), -1), CelType.String, CelType.String, CelType.String),
        Member("replace", CelType.String, a => Replace(S(a[0]), S(a[1]), S(a[2]), (long)a[3]!), CelType.String, CelType.String, CelType.String, Int),
        Member("split", List(CelType.String), a => Split(S(a[0]), S(a[1]), -1), CelType.String, CelType.String),
        Member("split", List(CelType.String), a => Split(S(a[0]), S(a[1]), (long)a[2]!), CelType.String, CelType.String, Int),
        Member("join", CelType.String, a => string.Concat(((CelList)a[0]!).Select(S)), List(CelType.String)),
        Member("join", CelType.String, a => string.Join(S(a[1]), ((CelList)a[0]!).Select(S)), List(CelType.String), CelType.String),
        Member("format", CelType.String, a => Format(S(a[0]), (CelList)a[1]!), CelType.String, List(Dyn)),
        new("strings.quote", false, [CelType.String], CelType.String, a => "\"" + S(a[0]).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal) + "\""),
    ];

    private static IEnumerable<CelOverload> Searching() =>
    [
        Member("indexOf", Int, a => Index(S(a[0]), S(a[1]), 0), CelType.String, CelType.String),
        Member("indexOf", Int, a => Index(S(a[0]), S(a[1]), (long)a[2]!), CelType.String, CelType.String, Int),
        Member("lastIndexOf", Int, a => LastIndex(S(a[0]), S(a[1])), CelType.String, CelType.String),
        Member("find", CelType.String, a => Pattern(S(a[1])).Match(S(a[0])).Value, CelType.String, CelType.String),
        Member("findAll", List(CelType.String), a => FindAll(S(a[0]), S(a[1]), -1), CelType.String, CelType.String),
        Member("findAll", List(CelType.String), a => FindAll(S(a[0]), S(a[1]), (long)a[2]!), CelType.String, CelType.String, Int),
    ];

    private static long Length(string text)
    {
        long count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>From a position in code points to one in the string.</summary>
    private static int Offset(string text, long position)
    {
        var offset = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (position-- == 0)
                return offset;
            offset += rune.Utf16SequenceLength;
        }
        return position == 0 ? offset : throw new CelException("index out of range");
    }

    private static string CharAt(string text, long index)
    {
        if (index < 0 || index > Length(text))
            throw new CelException($"index out of range: {index}");
        return text.EnumerateRunes().Skip((int)index).Select(r => r.ToString()).FirstOrDefault() ?? "";
    }

    private static string Substring(string text, long from, long to)
    {
        if (from < 0 || to > Length(text))
            throw new CelException($"index out of range: {(from < 0 ? from : to)}");
        if (from > to)
            throw new CelException($"invalid substring range. start: {from}, end: {to}");
        return text[Offset(text, from)..Offset(text, to)];
    }

    private static string Replace(string text, string old, string by, long limit)
    {
        if (limit < 0 && old.Length > 0)
            return text.Replace(old, by, StringComparison.Ordinal);
        var result = new StringBuilder();
        var at = 0;
        while (limit-- != 0 && at <= text.Length)
        {
            var found = text.IndexOf(old, at, StringComparison.Ordinal);
            if (found < 0)
                break;
            result.Append(text, at, found - at).Append(by);
            at = found + old.Length;
            if (old.Length > 0)
                continue;
            if (at < text.Length)
                result.Append(text[at]);
            at++;
        }
        return at < text.Length ? result.Append(text, at, text.Length - at).ToString() : result.ToString();
    }

    private static CelList Split(string text, string separator, long limit) => limit == 0 ? new CelList([])
        : separator.Length == 0 ? new CelList([.. text.EnumerateRunes().Select(r => (object?)r.ToString())])
        : new CelList([.. text.Split(separator, limit < 0 ? int.MaxValue : (int)Math.Min(limit, int.MaxValue)).Cast<object?>()]);

    private static object Index(string text, string part, long from)
    {
        if (from < 0 || from > Length(text))
            throw new CelException($"index out of range: {from}");
        var found = text.IndexOf(part, Offset(text, from), StringComparison.Ordinal);
        return found < 0 ? -1L : Length(text[..found]);
    }

    private static object LastIndex(string text, string part)
    {
        var found = text.LastIndexOf(part, StringComparison.Ordinal);
        return found < 0 ? -1L : Length(text[..found]);
    }

    private static CelList FindAll(string text, string pattern, long limit) =>
        new([.. Pattern(pattern).Matches(text).Take(limit < 0 ? int.MaxValue : (int)Math.Min(limit, int.MaxValue)).Select(m => (object?)m.Value)]);

    /// <summary>Linear in the text, whatever the pattern.</summary>
    public static Regex Pattern(string pattern)
    {
        if (Regexes.TryGetValue(pattern, out var known))
            return known;
        try
        {
            var made = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            if (Regexes.Count > MaxRegexes)
                Regexes.Clear();
            return Regexes[pattern] = made;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new CelException($"error parsing regexp: {e.Message}");
        }
    }

    /// <summary>%s, %d, %f, %e, %b, %x, %X, %o and %%, with a precision for the reals.</summary>
    private static string Format(string format, CelList arguments)
    {
        var result = new StringBuilder();
        var used = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }
            if (++i < format.Length && format[i] == '%')
            {
                result.Append('%');
                continue;
            }
            var precision = 6;
            if (i < format.Length && format[i] == '.')
            {
                var digits = i + 1;
                while (digits < format.Length && char.IsAsciiDigit(format[digits]))
                    digits++;
                precision = int.TryParse(format.AsSpan(i + 1, digits - i - 1), CultureInfo.InvariantCulture, out var p) && p < 100 ? p : throw new CelException("error during formatting: invalid precision");
                i = digits;
            }
            if (i >= format.Length)
                throw new CelException("error during formatting: unexpected end of string");
            if (used >= arguments.Count)
                throw new CelException($"error during formatting: index {used} out of range");
            result.Append(Clause(format[i], precision, arguments[used++]));
        }
        return result.ToString();
    }

    private static string Clause(char verb, int precision, object? value) => (verb, value) switch
    {
        ('s', _) => CelText.Of(value),
        ('d', long or ulong or double) => CelText.Of(value),
        ('f', double d) => d.ToString("F" + precision, CultureInfo.InvariantCulture),
        ('f', long n) => ((double)n).ToString("F" + precision, CultureInfo.InvariantCulture),
        ('e', double d) => d.ToString($"0.{new string('0', precision)}e+00", CultureInfo.InvariantCulture),
        ('b', long n) => n.ToString("b", CultureInfo.InvariantCulture),
        ('b', bool flag) => flag ? "1" : "0",
        ('x', long n) => n.ToString("x", CultureInfo.InvariantCulture),
        ('X', long n) => n.ToString("X", CultureInfo.InvariantCulture),
        ('x', string s) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(s)),
        ('X', string s) => Convert.ToHexString(Encoding.UTF8.GetBytes(s)),
        ('o', long n) => Convert.ToString(n, 8),
        _ => throw new CelException($"error during formatting: could not parse formatting clause \"{verb}\" for {CelValues.TypeOf(value)}"),
    };
}
