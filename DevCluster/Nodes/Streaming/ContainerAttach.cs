using System.Globalization;
using System.Net.Sockets;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Connects a client to a running container's own streams, by the socket that its conmon keeps.</summary>
internal static class ContainerAttach
{
    private const byte Stdout = 2, Stderr = 3;

    public static async Task RunAsync(string bundle, RemoteOptions options, IRemoteStreams streams)
    {
        // A socket's address holds 107 bytes, and bundles lie deeper: a short link leads there.
        var link = $"{Path.GetTempPath().TrimEnd('/')}/.trp-{Guid.NewGuid().ToString("n")[..8]}";
        Directory.CreateSymbolicLink(link, bundle);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint($"{link}/attach"), streams.Gone);
        }
        catch (SocketException refused)
        {
            await streams.FinishAsync(RemoteStatus.Error($"failed to attach to the container: {refused.Message}"));
            return;
        }
        finally
        {
            Directory.Delete(link);
        }
        _ = Task.Run(() => FeedAsync(streams, socket));
        _ = Task.Run(() => ResizeAsync(streams, $"{bundle}/ctl"));
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, streams.Gone)) > 0)
            {
                if (buffer[0] == Stdout && options.Stdout) await streams.StdoutAsync(buffer.AsMemory(1, read - 1));
                else if (buffer[0] == Stderr && options.Stderr) await streams.StderrAsync(buffer.AsMemory(1, read - 1));
            }
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or IOException)
        {
            // The container or the client has gone.
        }
        await streams.FinishAsync(RemoteStatus.Success());
    }

    private static async Task FeedAsync(IRemoteStreams streams, Socket socket)
    {
        if (streams.Stdin is not { } stdin) return;
        try
        {
            var buffer = new byte[8 * 1024];
            int read;
            while ((read = await stdin.ReadAsync(buffer, streams.Gone)) > 0) await socket.SendAsync(buffer.AsMemory(0, read), streams.Gone);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The container ended first.
        }
    }

    private static async Task ResizeAsync(IRemoteStreams streams, string control)
    {
        await foreach (var size in streams.Sizes.ReadAllAsync())
        {
            if (Native.Stat(control) is not null)
                await File.AppendAllTextAsync(control, string.Create(CultureInfo.InvariantCulture, $"1 {size.Height} {size.Width}\n"));
        }
    }
}
