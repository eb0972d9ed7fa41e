using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>A list with the identity that its schema gives it: sets and maps are equal in any order.</summary>
internal sealed class CelList(IReadOnlyList<object?> items, ListType type = ListType.Atomic) : IReadOnlyList<object?>
{
    public ListType Type => type;

    public int Count => items.Count;

    public object? this[int index] => items[index];

    public IEnumerator<object?> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

internal sealed class CelMap(IReadOnlyDictionary<object, object?> entries)
{
    public IReadOnlyDictionary<object, object?> Entries => entries;
}

/// <summary>An object whose schema names its fields; a field is converted when it is looked at.</summary>
internal sealed record CelStruct(JsonObject Json, Schema Schema)
{
    public bool Has(string field) => Json.TryGetPropertyValue(CelSchemas.Unescape(field), out var value) && value is not null;

    public object? Get(string field)
    {
        var name = CelSchemas.Unescape(field);
        return Json.TryGetPropertyValue(name, out var value) && Schema.Properties.TryGetValue(name, out var property)
            ? CelValues.From(value, property)
            : throw new CelException("no such key: " + name);
    }
}

internal sealed record CelOptional(bool HasValue, object? Value)
{
    public static readonly CelOptional None = new(false, null);
}

/// <summary>JSON to the language's values and back: null, bool, long, ulong, double, string, byte[], DateTimeOffset, TimeSpan and the types above.</summary>
internal static class CelValues
{
    public static object? From(JsonNode? node, Schema schema)
    {
        if (node is null)
            return null;
        switch (schema.Type)
        {
            case SchemaType.Object when node is JsonObject obj:
                return schema.AdditionalProperties is { } values
                    ? new CelMap(obj.ToDictionary(p => (object)p.Key, p => From(p.Value, values)))
                    : new CelStruct(obj, CelSchemas.View(schema));
            case SchemaType.Array when node is JsonArray array:
                return new CelList([.. array.Select(i => From(i, schema.Items ?? Schema.Anything))], schema.ListType);
            case SchemaType.Number when node.AsDouble() is { } number:
                return number;
            case SchemaType.String when node.AsString() is { } text:
                return Formatted(text, schema.Format);
            default:
                return From(node);
        }
    }

    /// <summary>A value of which nothing is known.</summary>
    public static object? From(JsonNode? node) => node switch
    {
        null => null,
        JsonObject obj => new CelMap(obj.ToDictionary(p => (object)p.Key, p => From(p.Value))),
        JsonArray array => new CelList([.. array.Select(From)]),
        _ when node.AsString() is { } text => text,
        _ when node.Bool() is { } flag => flag,
        JsonValue value when value.TryGetValue<double>(out var real) => real,
        _ => node.AsLong(),
    };

    private static object Formatted(string text, string? format) => format switch
    {
        "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : throw new CelException($"invalid date-time: {text}"),
        "date" => DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date : throw new CelException($"invalid date: {text}"),
        "duration" => GoDuration.TryParse(text, out var span) ? span : throw new CelException($"invalid duration: {text}"),
        "byte" => TryBase64(text) ?? throw new CelException("invalid base64"),
        _ => text,
    };

    private static byte[]? TryBase64(string text)
    {
        var buffer = new byte[text.Length];
        return Convert.TryFromBase64String(text, buffer, out var length) ? buffer[..length] : null;
    }

    public static bool Same(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        (long or ulong or double, long or ulong or double) => CompareNumbers(a, b) == 0,
        (byte[] x, byte[] y) => x.AsSpan().SequenceEqual(y),
        (CelList x, CelList y) => SameLists(x, y),
        (CelMap x, CelMap y) => x.Entries.Count == y.Entries.Count && x.Entries.All(e => y.Entries.TryGetValue(e.Key, out var other) && Same(e.Value, other)),
        (CelStruct x, CelStruct y) => x.Json.SameAs(y.Json),
        (CelOptional x, CelOptional y) => x.HasValue == y.HasValue && Same(x.Value, y.Value),
        _ => a.Equals(b),
    };

    private static bool SameLists(CelList a, CelList b)
    {
        if (a.Count != b.Count)
            return false;
        if (a.Type == ListType.Atomic || b.Type == ListType.Atomic)
            return a.Zip(b).All(p => Same(p.First, p.Second));
        return a.All(x => b.Any(y => Same(x, y)));
    }

    /// <summary>Numbers of all three types by value; null when one of them is NaN.</summary>
    public static int? CompareNumbers(object a, object b)
    {
        if (a is double || b is double)
        {
            var (x, y) = (ToDouble(a), ToDouble(b));
            return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
        }
        return ToDecimal(a).CompareTo(ToDecimal(b));
    }

    private static double ToDouble(object value) => value switch { double d => d, long l => l, ulong u => u, _ => double.NaN };

    private static decimal ToDecimal(object value) => value switch { long l => l, ulong u => u, _ => 0 };

    public static CelType TypeOf(object? value) => value switch
    {
        null => CelType.Null,
        bool => CelType.Bool,
        long => CelType.Int,
        ulong => CelType.Uint,
        double => CelType.Double,
        string => CelType.String,
        byte[] => CelType.Bytes,
        DateTimeOffset => CelType.Timestamp,
        TimeSpan => CelType.Duration,
        CelList => CelType.List(CelType.Dyn),
        CelMap => CelType.Map(CelType.Dyn, CelType.Dyn),
        CelStruct { Schema: var schema } => CelType.Object(schema),
        CelOptional => CelType.Optional(CelType.Dyn),
        decimal => CelType.Quantity,
        Uri => CelType.Url,
        System.Net.IPAddress => CelType.Ip,
        System.Net.IPNetwork => CelType.Cidr,
        CelAuthorizer => CelType.Authorizer,
        CelPathCheck => CelType.PathCheck,
        CelGroupCheck => CelType.GroupCheck,
        CelResourceCheck => CelType.ResourceCheck,
        Security.AuthorizationDecision => CelType.Decision,
        CelFormat => CelType.Format,
        _ => CelType.Type,
    };
}
