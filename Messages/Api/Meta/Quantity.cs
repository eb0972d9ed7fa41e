using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.Messages.Api.Meta;

/// <summary>
/// A Kubernetes resource quantity such as <c>128Mi</c>, <c>1500m</c> or <c>2e9</c>. The text is kept as written.
/// </summary>
[JsonConverter(typeof(QuantityConverter))]
public readonly record struct Quantity(string Text)
{
    private static readonly Dictionary<string, decimal> Suffixes = new(StringComparer.Ordinal)
    {
        ["n"] = 1e-9m,
        ["u"] = 1e-6m,
        ["m"] = 1e-3m,
        [""] = 1m,
        ["k"] = 1e3m,
        ["M"] = 1e6m,
        ["G"] = 1e9m,
        ["T"] = 1e12m,
        ["P"] = 1e15m,
        ["E"] = 1e18m,
        ["Ki"] = 1L << 10,
        ["Mi"] = 1L << 20,
        ["Gi"] = 1L << 30,
        ["Ti"] = 1L << 40,
        ["Pi"] = 1L << 50,
        ["Ei"] = 1L << 60,
    };

    /// <summary>The value in units (bytes, cores …).</summary>
    /// <exception cref="FormatException">The text is not a quantity.</exception>
    public decimal Value => TryParse(Text, out var value)
        ? value
        : throw new FormatException($"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', got \"{Text}\"");

    /// <summary>The value rounded up to whole units, as Kubernetes does when it needs bytes.</summary>
    public long Units => Whole(Value);

    /// <summary>The value in thousandths, rounded up (millicores).</summary>
    public long Milli => Whole(Value * 1000m);

    /// <summary>What does not fit is the largest that does.</summary>
    private static long Whole(decimal value) => (long)Math.Clamp(decimal.Ceiling(value), long.MinValue, long.MaxValue);

    public static Quantity FromBytes(long bytes) => new(bytes.ToString(CultureInfo.InvariantCulture));

    public static bool TryParse(string? text, out decimal value)
    {
        value = 0;
        if (string.IsNullOrEmpty(text))
            return false;
        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' or '+' or '-'))
            end++;
        if (!decimal.TryParse(text.AsSpan(0, end), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        var suffix = text[end..];
        try
        {
            if (Suffixes.TryGetValue(suffix, out var factor))
            {
                value = Capped(number * factor);
                return true;
            }

            if (suffix.Length < 2 || suffix[0] is not ('e' or 'E') || !int.TryParse(suffix.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent) || exponent is < -18 or > 18)
                return false;
            value = Capped(number * (decimal)Math.Pow(10, exponent));
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    /// <summary>As Kubernetes does: 64 bits are enough for everybody.</summary>
    private static decimal Capped(decimal value) => Math.Clamp(value, -long.MaxValue, long.MaxValue);

    public override string ToString() => Text;
}

/// <summary>Reads a quantity from a JSON string or number and writes it as a string.</summary>
public sealed class QuantityConverter : JsonConverter<Quantity>
{
    public override Quantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(reader.TokenType is JsonTokenType.Number ? System.Text.Encoding.UTF8.GetString(reader.ValueSpan) : reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, Quantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}
