using System.Buffers.Binary;
using System.Text;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>SPDY/3 header blocks: name/value pairs, compressed in one zlib stream per direction and connection.</summary>
internal sealed class SpdyHeaders
{
    private const int MaxBlock = 64 * 1024;

    private readonly Inflater _inflater = new();
    private bool _begun;

    /// <exception cref="InvalidDataException">Not a header block.</exception>
    public Dictionary<string, string> Read(ReadOnlySpan<byte> block)
    {
        var plain = Inflate(block.ToArray());
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var rest = plain.AsSpan();
        var count = Int(ref rest);
        for (var i = 0; i < count; i++)
        {
            var name = Text(ref rest);
            headers[name] = Text(ref rest);
        }
        return headers;
    }

    /// <summary>
    /// A block without any header, which is all that a server of streams answers: its four bytes stored as they are, then the empty
    /// stored block of a sync flush. Go's inflater hands out what it has only at such a block.
    /// </summary>
    public byte[] WriteEmpty()
    {
        byte[] block = [0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        if (_begun) return block;
        _begun = true;
        // Deflate with a 32 KiB window and a preset dictionary, which is told by its checksum (RFC 1950).
        var begin = new byte[6];
        (begin[0], begin[1]) = (0x78, 0x20);
        BinaryPrimitives.WriteUInt32BigEndian(begin.AsSpan(2), SpdyDictionary.Checksum);
        return [.. begin, .. block];
    }

    private byte[] Inflate(byte[] block)
    {
        try
        {
            _inflater.SetInput(block);
            var plain = new byte[MaxBlock];
            var length = 0;
            while (length < plain.Length)
            {
                var read = _inflater.Inflate(plain, length, plain.Length - length);
                length += read;
                if (_inflater.IsNeedingDictionary) _inflater.SetDictionary(SpdyDictionary.Bytes);
                else if (read == 0) break;
            }
            return plain[..length];
        }
        catch (ICSharpCode.SharpZipLib.SharpZipBaseException broken)
        {
            throw new InvalidDataException("SPDY header block: " + broken.Message, broken);
        }
    }

    private static int Int(ref Span<byte> rest)
    {
        if (rest.Length < 4) throw new InvalidDataException("SPDY header block is cut off");
        var value = BinaryPrimitives.ReadInt32BigEndian(rest);
        rest = rest[4..];
        return value;
    }

    private static string Text(ref Span<byte> rest)
    {
        var length = Int(ref rest);
        if (length < 0 || length > rest.Length) throw new InvalidDataException("SPDY header block is cut off");
        var text = Encoding.UTF8.GetString(rest[..length]);
        rest = rest[length..];
        return text;
    }
}
