using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Store;

/// <summary>
/// An object serialized on the request's thread with a hole where the resourceVersion goes: the single writer thread only copies
/// bytes around the number it has drawn. apiVersion and kind always come first, so that a reader can tell the version by a prefix.
/// </summary>
internal sealed class ObjectBody
{
    private readonly byte[] _bytes;
    private readonly int _hole;

    private ObjectBody(byte[] bytes, int hole)
    {
        _bytes = bytes;
        _hole = hole;
    }

    public int Length => _bytes.Length;

    public static ObjectBody From(JsonObject obj)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer, JsonExtensions.WriterOptions);
        writer.WriteStartObject();
        writer.WriteString("apiVersion", obj.Str("apiVersion"));
        writer.WriteString("kind", obj.Str("kind"));
        writer.WriteStartObject("metadata");
        writer.WritePropertyName("resourceVersion");
        var hole = (int)(writer.BytesCommitted + writer.BytesPending);
        writer.WriteStringValue("");
        if (obj["metadata"] is JsonObject metadata)
        {
            foreach (var (name, value) in metadata)
            {
                if (name != "resourceVersion" && value is not null)
                    Write(writer, name, value);
            }
        }
        writer.WriteEndObject();
        foreach (var (name, value) in obj)
        {
            if (name is not ("apiVersion" or "kind" or "metadata"))
                Write(writer, name, value);
        }
        writer.WriteEndObject();
        writer.Flush();
        return new ObjectBody(buffer.WrittenSpan.ToArray(), hole + 1);
    }

    public byte[] Materialize(long resourceVersion)
    {
        Span<char> digits = stackalloc char[20];
        resourceVersion.TryFormat(digits, out var length, provider: CultureInfo.InvariantCulture);
        var result = GC.AllocateUninitializedArray<byte>(_bytes.Length + length);
        _bytes.AsSpan(0, _hole).CopyTo(result);
        Encoding.ASCII.GetBytes(digits[..length], result.AsSpan(_hole));
        _bytes.AsSpan(_hole).CopyTo(result.AsSpan(_hole + length));
        return result;
    }

    private static void Write(Utf8JsonWriter writer, string name, JsonNode? value)
    {
        writer.WritePropertyName(name);
        if (value is null)
            writer.WriteNullValue();
        else
            value.WriteTo(writer);
    }
}
