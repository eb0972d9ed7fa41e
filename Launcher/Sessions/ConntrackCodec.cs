using System.Buffers.Binary;
using System.Net;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Sessions;

/// <summary>A session in the kernel's own words (ctnetlink). Names and numbers are those of linux/netfilter/nfnetlink_conntrack.h.</summary>
internal static class ConntrackCodec
{
    private const ushort Subsystem = 1 << 8, NewEntry = Subsystem | 0, GetEntry = Subsystem | 1;
    private const ushort Request = 1, Acknowledge = 4, Dump = 0x300, Exclusive = 0x200, Create = 0x400;
    private const ushort TupleOriginal = 1, TupleReply = 2, Status = 3, ProtocolInfo = 4, NatSource = 6, Timeout = 7, NatDestination = 13;
    private const ushort TupleIp = 1, TupleProtocol = 2, IpSource = 1, IpDestination = 2, ProtocolNumber = 1, SourcePort = 2, DestinationPort = 3;
    private const ushort Tcp = 1, TcpState = 1, TcpFlagsOriginal = 4, TcpFlagsReply = 5;
    private const ushort NatMinIp = 1, NatMaxIp = 2, NatProtocol = 3, NatMinPort = 1, NatMaxPort = 2;
    private const uint SeenReply = 1 << 1, Assured = 1 << 2, Confirmed = 1 << 3;
    private const byte Established = 3, BeLiberal = 8, ProtocolTcp = 6, ProtocolUdp = 17;

    /// <summary>nfgenmsg: address family (AF_INET), version, resource.</summary>
    private static readonly byte[] Family = [2, 0, 0, 0];

    public static byte[] ListMessage { get; } = new NetlinkWriter(GetEntry, Request | Dump, Family).Done();

    /// <summary>
    /// The kernel makes the answers' direction from the translation. It has not seen this session's packets, so it must not judge their sequence numbers.
    /// </summary>
    public static byte[] CreateMessage(GuestSession session)
    {
        var message = new NetlinkWriter(NewEntry, Request | Acknowledge | Create | Exclusive, Family)
            .Nest(TupleOriginal, w => Tuple(w, session.Protocol, session.Client, session.Server))
            .Nest(TupleReply, w => Tuple(w, session.Protocol, session.Server, session.Client))
            .Big(Status, SeenReply | Assured | Confirmed)
            .Big(Timeout, session.TimeoutSeconds);
        if (session.Protocol is ProtocolTcp)
            message.Nest(ProtocolInfo, w => w.Nest(Tcp, t => t
                .Attribute(TcpState, [Established])
                .Attribute(TcpFlagsOriginal, [BeLiberal, BeLiberal])
                .Attribute(TcpFlagsReply, [BeLiberal, BeLiberal])));
        if (session.ReplyServer != session.Server)
            message.Nest(NatDestination, w => Translation(w, session.ReplyServer));
        if (session.ReplyClient != session.Client)
            message.Nest(NatSource, w => Translation(w, session.ReplyClient));
        return message.Done();
    }

    /// <summary>The body of one entry of the list. Null when it is not a session that can go on elsewhere: neither TCP nor UDP, not answered yet, or ending.</summary>
    public static GuestSession? Read(ReadOnlyMemory<byte> body)
    {
        if (body.Length < Family.Length || body.Span[0] != Family[0])
            return null;
        var entry = NetlinkAttributes.Of(body[Family.Length..]);
        if (!entry.TryGetValue(TupleOriginal, out var original) || !entry.TryGetValue(TupleReply, out var reply) || !entry.TryGetValue(Timeout, out var timeout) || !entry.TryGetValue(Status, out var status))
            return null;
        if (ReadTuple(original) is not { } there || ReadTuple(reply) is not { } back || (BinaryPrimitives.ReadUInt32BigEndian(status.Span) & SeenReply) == 0)
            return null;
        if (there.Protocol is ProtocolTcp ? !IsEstablished(entry) : there.Protocol is not ProtocolUdp)
            return null;
        return new GuestSession(there.Protocol, there.Source, there.Destination, back.Destination, back.Source, BinaryPrimitives.ReadUInt32BigEndian(timeout.Span));
    }

    private static bool IsEstablished(Dictionary<int, ReadOnlyMemory<byte>> entry) =>
        entry.TryGetValue(ProtocolInfo, out var info) && NetlinkAttributes.Of(info).TryGetValue(Tcp, out var tcp)
        && NetlinkAttributes.Of(tcp).TryGetValue(TcpState, out var state) && state.Span is [Established, ..];

    private static (byte Protocol, SessionEnd Source, SessionEnd Destination)? ReadTuple(ReadOnlyMemory<byte> bytes)
    {
        var tuple = NetlinkAttributes.Of(bytes);
        if (!tuple.TryGetValue(TupleIp, out var ip) || !tuple.TryGetValue(TupleProtocol, out var protocol))
            return null;
        var (addresses, ports) = (NetlinkAttributes.Of(ip), NetlinkAttributes.Of(protocol));
        if (!addresses.TryGetValue(IpSource, out var source) || !addresses.TryGetValue(IpDestination, out var destination)
            || !ports.TryGetValue(ProtocolNumber, out var number) || !ports.TryGetValue(SourcePort, out var from) || !ports.TryGetValue(DestinationPort, out var to))
            return null;
        return (number.Span[0], End(source, from), End(destination, to));
    }

    private static SessionEnd End(ReadOnlyMemory<byte> address, ReadOnlyMemory<byte> port) =>
        new(new IPAddress(address.Span).ToString(), BinaryPrimitives.ReadUInt16BigEndian(port.Span));

    private static void Tuple(NetlinkWriter writer, byte protocol, SessionEnd source, SessionEnd destination) => writer
        .Nest(TupleIp, w => w.Attribute(IpSource, Bytes(source)).Attribute(IpDestination, Bytes(destination)))
        .Nest(TupleProtocol, w => w.Attribute(ProtocolNumber, [protocol]).Big(SourcePort, source.Port).Big(DestinationPort, destination.Port));

    private static void Translation(NetlinkWriter writer, SessionEnd to) => writer
        .Attribute(NatMinIp, Bytes(to)).Attribute(NatMaxIp, Bytes(to))
        .Nest(NatProtocol, w => w.Big(NatMinPort, to.Port).Big(NatMaxPort, to.Port));

    private static byte[] Bytes(SessionEnd end) => IPAddress.Parse(end.Address).GetAddressBytes();
}
