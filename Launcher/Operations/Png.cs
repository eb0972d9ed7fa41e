using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Troupe.Launcher.Operations;

/// <summary>PNG from what QEMU paints: a portable pixmap, <c>P6 WIDTH HEIGHT 255</c> and three bytes for each pixel.</summary>
internal static class Png
{
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xedb88320 ^ (c >> 1) : c >> 1))];

    /// <exception cref="InvalidDataException">The image is no pixmap of this kind.</exception>
    public static byte[] FromPixmap(ReadOnlySpan<byte> pixmap)
    {
        var at = 0;
        if (Word(pixmap, ref at) != "P6")
            throw new InvalidDataException("not a portable pixmap");
        var (width, height, most) = (Number(pixmap, ref at), Number(pixmap, ref at), Number(pixmap, ref at));
        if (most != 255 || width <= 0 || height <= 0 || pixmap.Length - at < (long)width * height * 3)
            throw new InvalidDataException($"a pixmap of {width}x{height} with {most + 1} shades in {pixmap.Length} bytes");
        using var png = new MemoryStream();
        png.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        // 8 bits a sample, true colour, and the only compression, filter and interlace methods there are.
        ((ReadOnlySpan<byte>)[8, 2, 0, 0, 0]).CopyTo(header[8..]);
        Chunk(png, "IHDR", header);
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var row = 0; row < height; row++)
            {
                zlib.WriteByte(0);
                zlib.Write(pixmap.Slice(at + (row * width * 3), width * 3));
            }
        }

        Chunk(png, "IDAT", data.GetBuffer().AsSpan(0, (int)data.Length));
        Chunk(png, "IEND", []);
        return png.ToArray();
    }

    private static void Chunk(MemoryStream png, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        var start = (int)png.Position;
        png.Write(Encoding.ASCII.GetBytes(type));
        png.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(png.GetBuffer().AsSpan(start, (int)png.Position - start)));
        png.Write(number);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            crc = CrcTable[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    private static int Number(ReadOnlySpan<byte> text, ref int at) => int.TryParse(Word(text, ref at), CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>Up to one byte of white space behind it; the header is words, then the pixels begin.</summary>
    private static string Word(ReadOnlySpan<byte> text, ref int at)
    {
        var start = at;
        while (at < text.Length && text[at] > ' ')
            at++;
        var word = Encoding.ASCII.GetString(text[start..at]);
        at++;
        return word;
    }
}
