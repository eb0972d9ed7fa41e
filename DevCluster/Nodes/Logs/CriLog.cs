using System.Globalization;
using System.Text;

namespace Troupe.DevCluster.Nodes.Logs;

/// <summary>A line of a CRI log file: `time stream F|P text`, where P marks a part of a longer line.</summary>
internal readonly record struct CriLine(DateTimeOffset Time, bool Partial, ReadOnlyMemory<byte> Text)
{
    public static CriLine? Parse(ReadOnlyMemory<byte> line)
    {
        var span = line.Span;
        var first = span.IndexOf((byte)' ');
        if (first < 0) return null;
        var second = span[(first + 1)..].IndexOf((byte)' ');
        if (second < 0 || first + second + 3 >= span.Length) return null;
        var tag = first + 1 + second + 1;
        if (!DateTimeOffset.TryParse(Encoding.ASCII.GetString(span[..first]), CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return null;
        return new CriLine(time, span[tag] == 'P', tag + 2 <= line.Length ? line[(tag + 2)..] : ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>The text as the container wrote it: a whole line ends with a newline, a part does not.</summary>
    public byte[] Payload(bool timestamps)
    {
        var prefix = timestamps ? Encoding.ASCII.GetBytes(Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z' ", CultureInfo.InvariantCulture)) : [];
        return Partial ? [.. prefix, .. Text.Span] : [.. prefix, .. Text.Span, (byte)'\n'];
    }

    /// <summary>The last lines of a log, at most as many and as long as given.</summary>
    public static string Tail(string file, int mostLines, int mostBytes)
    {
        if (!File.Exists(file)) return "";
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var window = Math.Min(stream.Length, mostBytes * 4L + 4096);
        stream.Seek(-window, SeekOrigin.End);
        var bytes = new byte[window];
        stream.ReadExactly(bytes);
        var lines = new List<byte[]>();
        var start = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != '\n') continue;
            if (Parse(bytes.AsMemory(start, i - start)) is { } line) lines.Add(line.Payload(timestamps: false));
            start = i + 1;
        }
        var text = Encoding.UTF8.GetString([.. lines.TakeLast(mostLines).SelectMany(line => line)]);
        return text.Length <= mostBytes ? text : text[^mostBytes..];
    }
}
