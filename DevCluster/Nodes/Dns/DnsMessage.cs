using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Troupe.DevCluster.Nodes.Dns;

/// <summary>The one question of a query; the name without its last dot, in lower case.</summary>
internal sealed record DnsQuestion(ushort Id, bool RecursionDesired, string Name, ushort Type, ReadOnlyMemory<byte> Wire);

/// <summary>A resource record of class IN.</summary>
internal sealed record DnsRecord(string Name, ushort Type, byte[] Data)
{
    public const ushort A = 1, Cname = 5, Ptr = 12, Srv = 33, Any = 255;

    public static DnsRecord Address(string name, string ip) => new(name, A, IPAddress.Parse(ip).GetAddressBytes());

    public static DnsRecord Alias(string name, string target) => new(name, Cname, DnsMessage.Encode(target));

    public static DnsRecord Service(string name, int port, string target)
    {
        byte[] header = [0, 0, 0, 100, (byte)(port >> 8), (byte)port];
        return new DnsRecord(name, Srv, [.. header, .. DnsMessage.Encode(target)]);
    }
}

/// <summary>RFC 1035's wire format, as far as a small server needs it.</summary>
internal static class DnsMessage
{
    private const int HeaderLength = 12, Ttl = 5;

    /// <summary>Null for what is not a plain query with one question.</summary>
    public static DnsQuestion? Read(ReadOnlyMemory<byte> message)
    {
        var span = message.Span;
        if (span.Length < HeaderLength || (span[2] & 0xF8) != 0 || BinaryPrimitives.ReadUInt16BigEndian(span[4..]) != 1) return null;
        var (name, at) = (new StringBuilder(), HeaderLength);
        while (true)
        {
            if (at >= span.Length) return null;
            int length = span[at++];
            if (length == 0) break;
            if (length > 63 || at + length > span.Length) return null;
            if (name.Length > 0) name.Append('.');
            name.Append(Encoding.ASCII.GetString(span.Slice(at, length)));
            at += length;
        }
        return at + 4 > span.Length ? null : new DnsQuestion(BinaryPrimitives.ReadUInt16BigEndian(span), (span[2] & 1) == 1, name.ToString().ToLowerInvariant(), BinaryPrimitives.ReadUInt16BigEndian(span[at..]), message[HeaderLength..(at + 4)]);
    }

    /// <param name="question">What was asked.</param>
    /// <param name="records">The answer.</param>
    /// <param name="code">0, or 2 (server failure) or 3 (no such name).</param>
    /// <param name="limit">Bytes that the transport takes; beyond, the answer is cut off and says so.</param>
    public static byte[] Write(DnsQuestion question, IReadOnlyList<DnsRecord> records, int code, int limit)
    {
        var message = new List<byte>();
        Number(message, question.Id);
        message.Add((byte)(0x84 | (question.RecursionDesired ? 1 : 0)));
        message.Add((byte)(0x80 | code));
        foreach (var count in new[] { 1, records.Count, 0, 0 }) Number(message, (ushort)count);
        message.AddRange(question.Wire.Span);
        var written = 0;
        foreach (var record in records)
        {
            byte[] wire = [.. Encode(record.Name), .. Pair(record.Type), .. Pair(1), 0, 0, 0, Ttl, .. Pair((ushort)record.Data.Length), .. record.Data];
            if (message.Count + wire.Length > limit) break;
            message.AddRange(wire);
            written++;
        }
        if (written < records.Count)
        {
            message[2] |= 2;
            (message[6], message[7]) = ((byte)(written >> 8), (byte)written);
        }
        return [.. message];
    }

    public static byte[] Encode(string name)
    {
        var bytes = new List<byte>();
        foreach (var label in name.TrimEnd('.').Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }
        bytes.Add(0);
        return [.. bytes];
    }

    private static void Number(List<byte> message, ushort number) => message.AddRange(Pair(number));

    private static byte[] Pair(ushort number) => [(byte)(number >> 8), (byte)number];
}
