using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Streams;

public enum StreamKind
{
    Console,
    Vnc,
    /// <summary>A USB device of the client; as many at the same time as the guest has slots.</summary>
    Usbredir,
    /// <summary>A port of the guest's VSOCK device; as many as there are clients.</summary>
    Vsock,
}

/// <summary>Connect to a guest's console or display, one client each: a new stream ends the one before. Or bring it a USB device.</summary>
/// <param name="PodUid">Pod in which the guest runs.</param>
/// <param name="Client">Full address of the actor that is to get <see cref="StreamOpened"/> or <see cref="StreamClosed"/>.</param>
public sealed record OpenStream(string Node, string VmiUid, string PodUid, StreamKind Kind, string Client) : INodeMessage
{
    /// <summary>A client that is connected already stays, and this one is refused.</summary>
    public bool PreserveSession { get; init; }

    /// <summary>The guest's VSOCK address, and the port.</summary>
    public long ContextId { get; init; }
    public long Port { get; init; }

    /// <summary>The port speaks TLS, and wants to see who is calling.</summary>
    public bool Tls { get; init; }
}

/// <summary>The sender is the other end; either side may now send as many chunks as it has credit for.</summary>
public sealed record StreamOpened(int Credit) : IWireMessage;

/// <param name="Bytes">At most <see cref="StreamProtocol.ChunkBytes"/>.</param>
public sealed record StreamData(byte[] Bytes) : IWireMessage;

/// <summary>The receiver has passed on so many chunks and takes as many more.</summary>
public sealed record StreamCredit(int Chunks) : IWireMessage;

public sealed record StreamClosed(string Reason) : IWireMessage
{
    /// <summary>It was never opened, because others have what it needs.</summary>
    public bool IsBusy { get; init; }
}

public static class StreamProtocol
{
    public const int ChunkBytes = 32 * 1024;

    /// <summary>Chunks on their way in one direction; what a slow reader can cost in memory at most.</summary>
    public const int Credit = 8;
}

public static class StreamWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("stream.open.1", WireJson.Default.OpenStream),
        WireType.Of("stream.opened.1", WireJson.Default.StreamOpened),
        WireType.Of("stream.data.1", WireJson.Default.StreamData),
        WireType.Of("stream.credit.1", WireJson.Default.StreamCredit),
        WireType.Of("stream.closed.1", WireJson.Default.StreamClosed),
    ];
}
