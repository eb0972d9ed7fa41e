using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>A number or a text: a port by number or name, a count or a percentage.</summary>
[JsonConverter(typeof(IntOrStringConverter))]
public sealed record IntOrString(string Text)
{
    public int? Number => int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The number, or that share of a total when it is a percentage.</summary>
    public int Of(int total, bool up)
    {
        if (Number is { } number) return number;
        if (!Text.EndsWith('%') || !int.TryParse(Text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var percent)) return 0;
        return (int)(up ? Math.Ceiling(total * percent / 100.0) : Math.Floor(total * percent / 100.0));
    }
}

internal sealed class IntOrStringConverter : JsonConverter<IntOrString>
{
    public override IntOrString Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(reader.TokenType == JsonTokenType.Number ? reader.GetInt32().ToString(CultureInfo.InvariantCulture) : reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, IntOrString value, JsonSerializerOptions options)
    {
        if (value.Number is { } number) writer.WriteNumberValue(number);
        else writer.WriteStringValue(value.Text);
    }
}
