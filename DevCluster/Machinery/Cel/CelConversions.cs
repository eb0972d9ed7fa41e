using System.Globalization;
using System.Text;
using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>From one type to another, and optionals.</summary>
internal static class CelConversions
{
    public static IEnumerable<CelOverload> All() => [.. Numbers(), .. Texts(), .. Optionals()];

    private static CelOverload Of(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, false, arguments, result, run);

    private static CelOverload Member(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, true, arguments, result, run);

    private static IEnumerable<CelOverload> Numbers() =>
    [
        Of("dyn", Dyn, a => a[0], A),
        Of("type", CelType.Type, a => CelTypeNames.Of(a[0]), A),
        Of("int", Int, a => a[0], Int),
        Of("int", Int, a => (ulong)a[0]! <= long.MaxValue ? (long)(ulong)a[0]! : throw new CelException("integer overflow"), Uint),
        Of("int", Int, a => Math.Truncate((double)a[0]!) is > -9.2233720368547758E18 and < 9.2233720368547758E18 and var d ? (long)d : throw new CelException("integer overflow"), CelType.Double),
        Of("int", Int, a => long.TryParse((string)a[0]!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n : throw Bad("int", a[0]), CelType.String),
        Of("int", Int, a => ((DateTimeOffset)a[0]!).ToUnixTimeSeconds(), Timestamp),
        Of("uint", Uint, a => a[0], Uint),
        Of("uint", Uint, a => (long)a[0]! >= 0 ? (ulong)(long)a[0]! : throw new CelException("unsigned integer overflow"), Int),
        Of("uint", Uint, a => Math.Truncate((double)a[0]!) is >= 0 and < 1.8446744073709552E19 and var d ? (ulong)d : throw new CelException("unsigned integer overflow"), CelType.Double),
        Of("uint", Uint, a => ulong.TryParse((string)a[0]!, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : throw Bad("uint", a[0]), CelType.String),
        Of("double", CelType.Double, a => a[0], CelType.Double),
        Of("double", CelType.Double, a => (double)(long)a[0]!, Int),
        Of("double", CelType.Double, a => (double)(ulong)a[0]!, Uint),
        Of("double", CelType.Double, a => double.TryParse((string)a[0]!, NumberStyles.Float, CultureInfo.InvariantCulture, out var n) ? n : throw Bad("double", a[0]), CelType.String),
        Of("bool", Bool, a => a[0], Bool),
        Of("bool", Bool, a => (string)a[0]! switch
        {
            "1" or "t" or "true" or "TRUE" or "True" => true,
            "0" or "f" or "false" or "FALSE" or "False" => false,
            _ => throw Bad("bool", a[0]),
        }, CelType.String),
    ];

    private static IEnumerable<CelOverload> Texts() =>
    [
        Of("string", CelType.String, a => a[0], CelType.String),
        Of("string", CelType.String, a => CelText.Of(a[0]), Bool),
        Of("string", CelType.String, a => CelText.Of(a[0]), Int),
        Of("string", CelType.String, a => CelText.Of(a[0]), Uint),
        Of("string", CelType.String, a => CelText.Of(a[0]), CelType.Double),
        Of("string", CelType.String, a => CelText.Of(a[0]), Timestamp),
        Of("string", CelType.String, a => CelText.Of(a[0]), Duration),
        Of("string", CelType.String, a => CelText.Of(a[0]), Ip),
        Of("string", CelType.String, a => CelText.Of(a[0]), Cidr),
        Of("string", CelType.String, a => Utf8((byte[])a[0]!), Bytes),
        Of("bytes", Bytes, a => a[0], Bytes),
        Of("bytes", Bytes, a => Encoding.UTF8.GetBytes((string)a[0]!), CelType.String),
        Of("duration", Duration, a => a[0], Duration),
        Of("duration", Duration, a => GoDuration.TryParse((string)a[0]!, out var span) ? span : throw Bad("duration", a[0]), CelType.String),
        Of("timestamp", Timestamp, a => a[0], Timestamp),
        Of("timestamp", Timestamp, a => CelText.Time((string)a[0]!) ?? throw Bad("timestamp", a[0]), CelType.String),
        Of("timestamp", Timestamp, a => (long)a[0]! is >= -62135596800 and <= 253402300799 and var s ? DateTimeOffset.FromUnixTimeSeconds(s) : throw new CelException("timestamp overflow"), Int),
    ];

    private static IEnumerable<CelOverload> Optionals() =>
    [
        Of("optional.of", Optional(A), a => new CelOptional(true, a[0]), A),
        Of("optional.none", Optional(Dyn), _ => CelOptional.None),
        Of("optional.ofNonZeroValue", Optional(A), a => IsZero(a[0]) ? CelOptional.None : new CelOptional(true, a[0]), A),
        Member("hasValue", Bool, a => ((CelOptional)a[0]!).HasValue, Optional(A)),
        Member("value", A, a => a[0] is CelOptional { HasValue: true } o ? o.Value : throw new CelException("optional.none() dereference"), Optional(A)),
        Member("orValue", A, a => a[0] is CelOptional { HasValue: true } o ? o.Value : a[1], Optional(A), A),
        Member("or", Optional(A), a => a[0] is CelOptional { HasValue: true } ? a[0] : a[1], Optional(A), Optional(A)),
    ];

    private static bool IsZero(object? value) => value switch
    {
        null => true,
        bool b => !b,
        long n => n == 0,
        ulong n => n == 0,
        double d => d == 0,
        string s => s.Length == 0,
        byte[] b => b.Length == 0,
        CelList l => l.Count == 0,
        CelMap m => m.Entries.Count == 0,
        CelStruct s => s.Json.Count == 0,
        TimeSpan t => t == TimeSpan.Zero,
        _ => false,
    };

    private static string Utf8(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new CelException("invalid UTF-8 in bytes, cannot convert to string");
        }
    }

    private static CelException Bad(string type, object? value) => new($"type conversion error from 'string' to '{type}': \"{value}\"");
}

internal static class CelTypeNames
{
    /// <summary>The one value that stands for a type, so that types can be compared.</summary>
    public static CelType Of(object? value) => value is CelType
        ? CelType.Type
        : CelValues.TypeOf(value) is var type && CelChecker.Named(type.Kind == CelKind.Null ? "null_type" : type.Kind.ToString().ToLowerInvariant()) is { } named ? named : type;
}

/// <summary>Values as text.</summary>
internal static class CelText
{
    public static string Of(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        double d => d == Math.Floor(d) && Math.Abs(d) < 1e21 ? d.ToString("F0", CultureInfo.InvariantCulture) : d.ToString("R", CultureInfo.InvariantCulture),
        DateTimeOffset t => t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
        TimeSpan s => GoDuration.Format(s),
        CelList list => $"[{string.Join(", ", list.Select(Of))}]",
        CelMap map => $"{{{string.Join(", ", map.Entries.Select(e => $"{Of(e.Key)}: {Of(e.Value)}").Order(StringComparer.Ordinal))}}}",
        CelType type => type.ToString(),
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>RFC 3339.</summary>
    public static DateTimeOffset? Time(string text) =>
        text.Length >= 20 && text[10] is 'T' or 't' && (text[^1] is 'Z' or 'z' || text[^6] is '+' or '-')
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
