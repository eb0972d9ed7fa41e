using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Port forwarding by channels: port number i of the request has channel 2i for data and 2i+1 for errors, each begun by its port in two bytes.</summary>
internal sealed class PortForwardChannels(WebSocket socket, IReadOnlyList<ushort> ports, Func<int, Task<Socket>> connect)
{
    private readonly SemaphoreSlim _sending = new(1);

    public async Task RunAsync(CancellationToken ct)
    {
        var targets = new Dictionary<int, NetworkStream>();
        try
        {
            for (var i = 0; i < ports.Count; i++)
            {
                var port = new byte[2];
                BinaryPrimitives.WriteUInt16LittleEndian(port, ports[i]);
                await SendAsync(2 * i, port, ct);
                await SendAsync((2 * i) + 1, port, ct);
                if (await TryConnectAsync(i, ct) is not { } target) continue;
                targets[2 * i] = target;
                _ = DownAsync(2 * i, target, ct);
            }
            await UpAsync(targets, ct);
        }
        catch (Exception ended) when (ended is WebSocketException or IOException or OperationCanceledException)
        {
            // The client has gone.
        }
        finally
        {
            foreach (var target in targets.Values) await target.DisposeAsync();
        }
    }

    private async Task<NetworkStream?> TryConnectAsync(int i, CancellationToken ct)
    {
        try
        {
            return new NetworkStream(await connect(ports[i]), ownsSocket: true);
        }
        catch (Exception refused) when (refused is SocketException or HostException)
        {
            await SendAsync((2 * i) + 1, Encoding.UTF8.GetBytes($"error forwarding port {ports[i]} to pod: {refused.Message}"), ct);
            return null;
        }
    }

    private async Task UpAsync(Dictionary<int, NetworkStream> targets, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        int? channel = null;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), ct);
            if (part.MessageType == WebSocketMessageType.Close) return;
            var start = channel is null && part.Count > 0 ? 1 : 0;
            channel ??= part.Count > 0 ? buffer[0] : null;
            if (channel is { } c && targets.TryGetValue(c, out var target) && part.Count > start) await target.WriteAsync(buffer.AsMemory(start, part.Count - start), ct);
            if (part.EndOfMessage) channel = null;
        }
    }

    private async Task DownAsync(int channel, NetworkStream source, CancellationToken ct)
    {
        try
        {
            var buffer = new byte[32 * 1024];
            int read;
            while ((read = await source.ReadAsync(buffer, ct)) > 0) await SendAsync(channel, buffer.AsMemory(0, read), ct);
        }
        catch (Exception ended) when (ended is IOException or WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either side has gone.
        }
        if (ports.Count == 1 && socket.State == WebSocketState.Open)
        {
            // With one port there is nothing else to wait for, and no other way to say that the server has closed.
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        }
    }

    private async Task SendAsync(int channel, ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        var message = new byte[data.Length + 1];
        message[0] = (byte)channel;
        data.Span.CopyTo(message.AsSpan(1));
        await _sending.WaitAsync(ct);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, ct);
        }
        finally
        {
            _sending.Release();
        }
    }
}
