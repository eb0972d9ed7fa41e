using System.Buffers.Binary;

namespace Troupe.DevCluster.Http.Protobuf;

/// <summary>Steps through the fields of one protobuf message.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    public int Number { get; private set; }

    /// <summary>Of a length-delimited field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Of any other field.</summary>
    public ulong Varint { get; private set; }

    /// <summary>False at the end.</summary>
    /// <exception cref="FormatException">Not protobuf.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        Bytes = default;
        Varint = 0;
        var tag = ReadVarint();
        Number = checked((int)(tag >> 3));
        switch (tag & 7)
        {
            case 0:
                Varint = ReadVarint();
                return true;
            case 1:
                Varint = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                return true;
            case 2:
                Bytes = Take(checked((int)ReadVarint()));
                return true;
            case 5:
                Varint = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                return true;
            default:
                throw new FormatException("illegal wire type");
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
            throw new FormatException("unexpected end of data");
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Take(1)[0];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
        throw new FormatException("integer overflow");
    }
}
