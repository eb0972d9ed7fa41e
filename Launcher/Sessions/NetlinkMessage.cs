using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Troupe.Launcher.Sessions;

/// <summary>Writes one netlink message: a header, and attributes in one another. Lengths are filled in as each ends.</summary>
internal sealed class NetlinkWriter
{
    /// <summary>nlmsghdr: length, type, flags, sequence number, port.</summary>
    public const int HeaderSize = 16;
    private const ushort Nested = 0x8000;
    private readonly List<byte> _bytes = [];

    public NetlinkWriter(ushort type, ushort flags, ReadOnlySpan<byte> family)
    {
        Native(0u);
        Native(type);
        Native(flags);
        Native(0u);
        Native(0u);
        _bytes.AddRange(family);
    }

    public NetlinkWriter Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        Native((ushort)(value.Length + 4));
        Native(type);
        _bytes.AddRange(value);
        while (_bytes.Count % 4 != 0)
            _bytes.Add(0);
        return this;
    }

    public NetlinkWriter Big(ushort type, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    public NetlinkWriter Big(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    public NetlinkWriter Nest(ushort type, Action<NetlinkWriter> inner)
    {
        var start = _bytes.Count;
        Native((ushort)0);
        Native((ushort)(type | Nested));
        inner(this);
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[start..], (ushort)(_bytes.Count - start));
        return this;
    }

    public byte[] Done()
    {
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes), (uint)_bytes.Count);
        return [.. _bytes];
    }

    private void Native<T>(T value) where T : unmanaged => _bytes.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
}

/// <summary>Attributes by type; a later one of the same type wins, as in the kernel.</summary>
internal static class NetlinkAttributes
{
    private const ushort TypeMask = 0x3fff;

    public static Dictionary<int, ReadOnlyMemory<byte>> Of(ReadOnlyMemory<byte> bytes)
    {
        Dictionary<int, ReadOnlyMemory<byte>> found = [];
        while (bytes.Length >= 4)
        {
            var length = MemoryMarshal.Read<ushort>(bytes.Span);
            if (length < 4 || length > bytes.Length)
                break;
            found[MemoryMarshal.Read<ushort>(bytes.Span[2..]) & TypeMask] = bytes[4..length];
            bytes = bytes[Math.Min(bytes.Length, (length + 3) & ~3)..];
        }

        return found;
    }
}
