using System.Buffers.Binary;

namespace Troupe.Launcher.Metrics;

/// <summary>
/// A disk that holds one document: <c>mvbd</c>, a flag (1 while it is written), the sum of the document's bytes, its length (each 32 bits
/// big-endian), then the document.
/// </summary>
internal static class VhostmdDisk
{
    public const int Size = 256 << 10;
    private const int HeaderBytes = 16;
    private const int FlagAt = 4;

    public static void Create(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using (var created = File.Create(file))
            created.SetLength(Size);
        Write(file, Metric.Document([]));
    }

    /// <exception cref="InvalidDataException">It does not fit.</exception>
    public static void Write(string file, ReadOnlySpan<byte> document)
    {
        if (document.Length + 1 > Size - HeaderBytes)
            throw new InvalidDataException($"metrics of {document.Length} bytes do not fit a disk of {Size}");
        Span<byte> body = [.. document, (byte)'\n'];
        Span<byte> header = stackalloc byte[HeaderBytes];
        "mvbd"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32BigEndian(header[FlagAt..], 1);
        var sum = 0;
        foreach (var b in body)
            sum += b;
        BinaryPrimitives.WriteInt32BigEndian(header[8..], sum);
        BinaryPrimitives.WriteInt32BigEndian(header[12..], body.Length);
        using var disk = File.OpenHandle(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(disk, header, 0);
        RandomAccess.FlushToDisk(disk);
        RandomAccess.Write(disk, body, HeaderBytes);
        RandomAccess.Write(disk, [0, 0, 0, 0], FlagAt);
    }
}
