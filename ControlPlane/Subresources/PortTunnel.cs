using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Bytes between a client's websocket and a port of a guest. Each TCP read, or UDP datagram, is one binary message.</summary>
public sealed class PortTunnel : IDisposable
{
    private const int ChunkBytes = 32 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Socket? _guest;

    private PortTunnel(Socket? guest, Refusal? problem) => (_guest, Problem) = (guest, problem);

    /// <summary>Why there is no connection; null when there is one.</summary>
    public Refusal? Problem { get; }

    /// <param name="protocol">tcp or udp.</param>
    public static async Task<PortTunnel> OpenAsync(string? address, int port, string protocol, CancellationToken ct)
    {
        if (protocol is not ("tcp" or "udp") || !IPAddress.TryParse(address, out var ip) || port is <= 0 or > IPEndPoint.MaxPort)
            return new PortTunnel(null, Refusal.Internal($"dialing VM: dial {protocol} {address}:{port}: unknown network or address"));
        var socket = protocol == "tcp"
            ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(ip.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
            deadline.CancelAfter(Patience);
            await socket.ConnectAsync(ip, port, deadline.Token);
            return new PortTunnel(socket, null);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return new PortTunnel(null, Refusal.Internal($"dialing VM: dial {protocol} {address}:{port}: {(e is SocketException ? e.Message : "timed out")}"));
        }
    }

    /// <summary>Until either side ends. What the one has still sent is passed on before the other is closed.</summary>
    public async Task RunAsync(WebSocket client, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var (toGuest, toClient) = (ToGuestAsync(client, stop.Token), ToClientAsync(client, stop.Token));
        var first = await Task.WhenAny(toGuest, toClient);
        if (first == toClient)
            await CloseAsync(client, stop.Token);
        // A client that said good-bye may still want the answer, but only the guest can end that direction.
        else if (toGuest.IsCompletedSuccessfully && _guest!.ProtocolType is ProtocolType.Tcp)
            _guest.Shutdown(SocketShutdown.Send);
        await stop.CancelAsync();
        await Task.WhenAll(toGuest, toClient).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _guest?.Dispose();

    private async Task ToGuestAsync(WebSocket client, CancellationToken ct)
    {
        var buffer = new byte[ChunkBytes];
        while (true)
        {
            var count = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                if (count == buffer.Length)
                    Array.Resize(ref buffer, buffer.Length * 2);
                part = await client.ReceiveAsync(buffer.AsMemory(count), ct);
                if (part.MessageType is WebSocketMessageType.Close)
                    return;
                count += part.Count;
                // A stream has no messages; a datagram must stay in one piece.
            }
            while (!part.EndOfMessage && _guest!.ProtocolType is ProtocolType.Udp);

            for (var sent = 0; sent < count;)
                sent += await _guest!.SendAsync(buffer.AsMemory(sent, count - sent), ct);
        }
    }

    private async Task ToClientAsync(WebSocket client, CancellationToken ct)
    {
        var buffer = new byte[ChunkBytes * 2];
        while (await _guest!.ReceiveAsync(buffer, ct) is var count && (count > 0 || _guest.ProtocolType is ProtocolType.Udp))
            await client.SendAsync(buffer.AsMemory(0, count), WebSocketMessageType.Binary, endOfMessage: true, ct);
    }

    private static async Task CloseAsync(WebSocket client, CancellationToken ct)
    {
        try
        {
            await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "the guest's end was closed", ct);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone already.
        }
    }
}
