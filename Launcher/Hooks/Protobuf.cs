namespace Troupe.Launcher.Hooks;

/// <summary>The little of protobuf's wire format that hook side-cars speak: integers, and whatever has a length (text, bytes, messages).</summary>
internal static class Protobuf
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    public static byte[] Message(params IEnumerable<(int Field, byte[] Bytes)> fields)
    {
        using var message = new MemoryStream();
        foreach (var (field, bytes) in fields)
        {
            WriteVarint(message, (ulong)(field << 3 | LengthDelimited));
            WriteVarint(message, (ulong)bytes.Length);
            message.Write(bytes);
        }

        return message.ToArray();
    }

    /// <summary>In the order in which they come.</summary>
    /// <exception cref="InvalidDataException">It is no message.</exception>
    public static List<(int Field, long Number, byte[] Bytes)> Fields(ReadOnlySpan<byte> message)
    {
        List<(int, long, byte[])> fields = [];
        while (message.Length > 0)
        {
            var key = ReadVarint(ref message);
            var field = (int)(key >> 3);
            switch ((int)(key & 7))
            {
                case Varint:
                    fields.Add((field, (long)ReadVarint(ref message), []));
                    break;
                case LengthDelimited:
                    fields.Add((field, 0, Take(ref message, ReadVarint(ref message)).ToArray()));
                    break;
                case Fixed64:
                    Take(ref message, 8);
                    break;
                case Fixed32:
                    Take(ref message, 4);
                    break;
                default:
                    throw new InvalidDataException($"protobuf wire type {key & 7}");
            }
        }

        return fields;
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> from, ulong count)
    {
        if (count > (ulong)from.Length)
            throw new InvalidDataException("a protobuf message ends too early");
        var taken = from[..(int)count];
        from = from[(int)count..];
        return taken;
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> from)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Take(ref from, 1)[0];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }

        throw new InvalidDataException("a protobuf number has no end");
    }

    private static void WriteVarint(Stream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            to.WriteByte((byte)(value | 0x80));
        to.WriteByte((byte)value);
    }
}
