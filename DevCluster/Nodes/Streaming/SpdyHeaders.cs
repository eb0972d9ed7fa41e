using System.Buffers.Binary;
using System.Text;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>SPDY/3 header blocks: name/value pairs, compressed in one zlib stream per direction and connection.</summary>
internal sealed class SpdyHeaders
{
    private const int MaxBlock = 64 * 1024;

    private readonly Inflater _inflater = new();
    private readonly Deflater _deflater = new();

    public SpdyHeaders() => _deflater.SetDictionary(SpdyDictionary.Bytes);

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

    /// <summary>A block without any header, which is all that a server of streams answers.</summary>
    public byte[] WriteEmpty()
    {
        _deflater.SetInput(new byte[4]);
        _deflater.Flush();
        var buffer = new byte[256];
        var length = _deflater.Deflate(buffer);
        return buffer[..length];
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
