using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.Messages.Api.Meta;

/// <summary>
/// A field that is an unsigned 64-bit number in Go, in a C# type that is handier. A number beyond that type's range makes no sense
/// but is legal JSON of the API, so its bits are kept and it is written back as it was.
/// </summary>
public sealed class UnsignedLongConverter : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TryGetInt64(out var value) ? value : unchecked((long)reader.GetUInt64());

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(unchecked((ulong)value));
}

/// <inheritdoc cref="UnsignedLongConverter"/>
public sealed class UnsignedIntConverter : JsonConverter<int>
{
    public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var value = reader.TryGetInt64(out var small) ? small : unchecked((long)reader.GetUInt64());
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new JsonException($"{value} is out of range");
    }

    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(unchecked((ulong)value));
}
