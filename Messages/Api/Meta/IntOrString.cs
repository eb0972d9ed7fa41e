using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.Messages.Api.Meta;

/// <summary>A port number or port name, or a count or percentage.</summary>
[JsonConverter(typeof(IntOrStringConverter))]
public readonly record struct IntOrString(string Text, bool IsInteger)
{
    public static implicit operator IntOrString(int value) => new(value.ToString(CultureInfo.InvariantCulture), true);
    public static implicit operator IntOrString(string value) => new(value, false);
    public override string ToString() => Text;
}

public sealed class IntOrStringConverter : JsonConverter<IntOrString>
{
    public override IntOrString Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.Number ? reader.GetInt32() : reader.GetString() ?? "";

    public override void Write(Utf8JsonWriter writer, IntOrString value, JsonSerializerOptions options)
    {
        if (value.IsInteger)
            writer.WriteNumberValue(int.Parse(value.Text, CultureInfo.InvariantCulture));
        else
            writer.WriteStringValue(value.Text);
    }
}
