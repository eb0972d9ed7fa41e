using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Network;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Forwards a client's connections to ports of a pod: SPDY, SPDY tunnelled through a web socket (kubectl), or channels of a web socket (older clients).</summary>
internal sealed class PortForward(string? netnsPath, ILogger log)
{
    private const string Protocol = "portforward.k8s.io", Tunnel = "SPDY/3.1+portforward.k8s.io", Channels = "v4.channel.k8s.io";

    public async Task ServeAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        if (!Upgrades.IsWebSocket(context))
        {
            await using var connection = await Upgrades.SpdyAsync(context, Protocol);
            await ServeAsync(connection, ct);
            return;
        }
        var ports = context.Request.Query["ports"].SelectMany(p => (p ?? "").Split(',')).Select(p => ushort.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : (ushort)0).ToList();
        using var socket = await Upgrades.WebSocketAsync(context, Tunnel, Channels);
        if (socket.SubProtocol == Tunnel)
        {
            await using var connection = new SpdyConnection(new WebSocketByteStream(socket));
            await ServeAsync(connection, ct);
        }
        else
        {
            await new PortForwardChannels(socket, ports, port => NamespaceDialer.ConnectAsync(netnsPath, port)).RunAsync(ct);
        }
    }

    private async Task ServeAsync(SpdyConnection connection, CancellationToken ct)
    {
        var reading = connection.RunAsync(ct);
        var waiting = new Dictionary<string, SpdyStream>();
        await foreach (var stream in connection.Opened.ReadAllAsync(ct))
        {
            // Each forwarded connection is a pair of streams with one request id.
            var id = stream.Header("requestid");
            if (!waiting.Remove(id, out var other))
            {
                waiting[id] = stream;
                continue;
            }
            var (data, error) = stream.Header("streamtype") == "data" ? (stream, other) : (other, stream);
            _ = Task.Run(() => ForwardAsync(data, error, ct), CancellationToken.None);
        }
        await reading;
    }

    private async Task ForwardAsync(SpdyStream data, SpdyStream error, CancellationToken ct)
    {
        try
        {
            if (!ushort.TryParse(data.Header("port"), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                await RefuseAsync($"unable to parse \"{data.Header("port")}\" as a port");
                return;
            }
            Socket socket;
            try
            {
                socket = await NamespaceDialer.ConnectAsync(netnsPath, port);
            }
            catch (Exception refused) when (refused is SocketException or HostException or IOException)
            {
                await RefuseAsync($"an error occurred forwarding {port} -> {port}: failed to connect to localhost:{port} inside the pod's network namespace: {refused.Message}");
                return;
            }
            await using var target = new NetworkStream(socket, ownsSocket: true);
            var up = UpAsync(data.Input, socket, target, ct);
            var buffer = new byte[32 * 1024];
            int read;
            while ((read = await target.ReadAsync(buffer, ct)) > 0) await data.SendAsync(buffer.AsMemory(0, read), ct);
            await data.FinishAsync(ct);
            await error.FinishAsync(ct);
            await up;
        }
        catch (Exception ended) when (ended is IOException or OperationCanceledException or ObjectDisposedException or InvalidDataException)
        {
            log.LogDebug("port forward ended: {Why}", ended.Message);
        }

        async Task RefuseAsync(string why)
        {
            await error.SendAsync(Encoding.UTF8.GetBytes(why), ct);
            await error.FinishAsync(ct);
            await data.ResetAsync(ct);
        }
    }

    private static async Task UpAsync(Stream from, Socket socket, NetworkStream to, CancellationToken ct)
    {
        try
        {
            await from.CopyToAsync(to, ct);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is closed; the other direction notices by itself.
        }
    }
}
