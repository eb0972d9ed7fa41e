using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>A port given by number or by a container port's name.</summary>
[JsonConverter(typeof(IntOrStringConverter))]
public sealed record IntOrString(string Text)
{
    public int? Number => int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
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
