using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>A Kubernetes resource quantity (`500m`, `1.5Gi`, `3e2`), held as the exact decimal value of base units.</summary>
[JsonConverter(typeof(QuantityConverter))]
public readonly record struct Quantity(decimal Value) : IComparable<Quantity>
{
    public static Quantity Zero => default;

    /// <summary>Value in thousandths, rounded up as Kubernetes rounds CPU.</summary>
    public long Milli => (long)Math.Ceiling(Value * 1000m);

    /// <summary>Whole units (bytes, pieces), rounded up.</summary>
    public long Units => (long)Math.Ceiling(Value);

    public static Quantity operator +(Quantity a, Quantity b) => new(a.Value + b.Value);
    public static Quantity operator -(Quantity a, Quantity b) => new(a.Value - b.Value);
    public static bool operator <(Quantity a, Quantity b) => a.Value < b.Value;
    public static bool operator >(Quantity a, Quantity b) => a.Value > b.Value;
    public static bool operator <=(Quantity a, Quantity b) => a.Value <= b.Value;
    public static bool operator >=(Quantity a, Quantity b) => a.Value >= b.Value;

    public int CompareTo(Quantity other) => Value.CompareTo(other.Value);

    public override string ToString() => Value == decimal.Truncate(Value)
        ? Value.ToString("0", CultureInfo.InvariantCulture)
        : Milli.ToString(CultureInfo.InvariantCulture) + "m";

    /// <summary>Bytes with the largest binary suffix that loses nothing, as people write sizes of volumes.</summary>
    public string ToBytesText()
    {
        var (rest, step) = (Units, 0);
        while (step < 6 && rest != 0 && rest % 1024 == 0) (rest, step) = (rest / 1024, step + 1);
        return rest.ToString(CultureInfo.InvariantCulture) + (step == 0 ? "" : "KMGTPE"[step - 1] + "i");
    }

    public static Quantity Parse(string text) =>
        TryParse(text, out var quantity) ? quantity : throw new FormatException($"'{text}' is not a resource quantity");

    public static bool TryParse(string text, out Quantity quantity)
    {
        var digits = text.AsSpan().Trim();
        var end = digits.Length;
        while (end > 0 && char.IsAsciiLetter(digits[end - 1])) end--;
        var suffix = digits[end..];
        quantity = default;
        if (Scale(suffix) is { } scale)
        {
            if (!decimal.TryParse(digits[..end], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                    CultureInfo.InvariantCulture, out var number)
                || scale > 1 && Math.Abs(number) > decimal.MaxValue / scale)
                return false;
            quantity = new Quantity(number * scale);
            return true;
        }
        return false;
    }

    private static decimal? Scale(ReadOnlySpan<char> suffix) => suffix switch
    {
        "" => 1m,
        "n" => 1e-9m,
        "u" => 1e-6m,
        "m" => 1e-3m,
        "k" => 1e3m,
        "M" => 1e6m,
        "G" => 1e9m,
        "T" => 1e12m,
        "P" => 1e15m,
        "E" => 1e18m,
        "Ki" => 1024m,
        "Mi" => 1024m * 1024,
        "Gi" => 1024m * 1024 * 1024,
        "Ti" => 1024m * 1024 * 1024 * 1024,
        "Pi" => 1024m * 1024 * 1024 * 1024 * 1024,
        "Ei" => 1024m * 1024 * 1024 * 1024 * 1024 * 1024,
        _ => null,
    };
}

internal sealed class QuantityConverter : JsonConverter<Quantity>
{
    public override Quantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
            ? new Quantity(reader.GetDecimal())
            : Quantity.TryParse(reader.GetString() ?? "", out var quantity)
                ? quantity
                : throw new JsonException("not a resource quantity");

    public override void Write(Utf8JsonWriter writer, Quantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
