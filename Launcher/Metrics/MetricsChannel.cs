using System.Net.Sockets;
using System.Text;

namespace Troupe.Launcher.Metrics;

/// <summary>
/// The host's end of the virtio-serial port <c>org.github.vhostmd.1</c>: a program in the guest writes <c>GET /metrics/XML</c> and an empty
/// line, and reads a document up to an empty line. At most one answer a second.
/// </summary>
internal sealed class MetricsChannel(Func<byte[]> document, TimeProvider time)
{
    private const int LongestLine = 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly byte[] Invalid = "INVALID REQUEST\n\n"u8.ToArray();

    /// <summary>Serves until QEMU closes the connection.</summary>
    public async Task ServeAsync(Stream port, CancellationToken ct)
    {
        var buffer = new byte[LongestLine];
        var line = new StringBuilder();
        string? request = null;
        while (await port.ReadAsync(buffer, ct).ConfigureAwait(false) is > 0 and var count)
        {
            foreach (var b in buffer.AsMemory(0, count).ToArray())
            {
                if (b != '\n')
                {
                    if (line.Length < LongestLine && b != '\r')
                        line.Append((char)b);
                    continue;
                }

                var text = line.ToString();
                line.Clear();
                if (request is null)
                {
                    request = text;
                    continue;
                }

                await port.WriteAsync(text.Length == 0 && IsRequest(request) ? [.. document(), (byte)'\n', (byte)'\n'] : Invalid, ct).ConfigureAwait(false);
                request = null;
                await Task.Delay(Interval, time, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>QEMU listens; nothing is lost by being late.</summary>
    public async Task RunAsync(string socketPath, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct).ConfigureAwait(false);
                await using var stream = new NetworkStream(socket);
                await ServeAsync(stream, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // Not there yet, or gone with the guest.
            }

            await Task.Delay(Interval, time, ct).ConfigureAwait(false);
        }
    }

    private static bool IsRequest(string line) => line.Split(' ') is ["GET", var path, ..] && path.Split('?')[0] == "/metrics/XML";
}
