using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Troupe.DevCluster.Nodes.Dns;

/// <summary>Answers pods on their node's own address: the cluster's names itself, all others by the machine's resolver.</summary>
internal sealed class DnsServer(IReadOnlyList<IPAddress> addresses, Func<ClusterZone> zone, ILogger log)
{
    private const int Port = 53, UdpLimit = 512, TcpLimit = 65_535, ServerFailure = 2, NoSuchName = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    public Task RunAsync(CancellationToken ct) => Task.WhenAll(addresses.SelectMany(address => new[] { UdpAsync(address, ct), TcpAsync(address, ct) }));

    private async Task UdpAsync(IPAddress address, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, Port));
        var buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), ct);
            var (query, client) = (buffer[..received.ReceivedBytes], received.RemoteEndPoint);
            _ = Task.Run(async () =>
            {
                if (await AnswerAsync(query, UdpLimit, ct) is not { } answer) return;
                try
                {
                    await socket.SendToAsync(answer, client, ct);
                }
                catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException)
                {
                    log.LogDebug("DNS answer to {Client}: {Error}", client, gone.Message);
                }
            }, CancellationToken.None);
        }
    }

    private async Task TcpAsync(IPAddress address, CancellationToken ct)
    {
        using var listener = new TcpListener(address, Port);
        listener.Start();
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync(ct);
            _ = Task.Run(() => ServeAsync(client, ct), CancellationToken.None);
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken ct)
    {
        using var own = client;
        try
        {
            var stream = client.GetStream();
            var length = new byte[2];
            while (await stream.ReadAtLeastAsync(length, 2, throwOnEndOfStream: false, ct) == 2)
            {
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(query, ct);
                if (await AnswerAsync(query, TcpLimit, ct) is not { } answer) return;
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                await stream.WriteAsync(length, ct);
                await stream.WriteAsync(answer, ct);
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            log.LogDebug("DNS over TCP: {Error}", gone.Message);
        }
    }

    private async Task<byte[]?> AnswerAsync(byte[] query, int limit, CancellationToken ct)
    {
        if (DnsMessage.Read(query) is not { } question) return null;
        if (zone().Answer(question.Name, question.Type) is { } own) return DnsMessage.Write(question, own.Records, own.Exists ? 0 : NoSuchName, limit);
        return await ForwardAsync(query, ct) ?? DnsMessage.Write(question, [], ServerFailure, limit);
    }

    private static async Task<byte[]?> ForwardAsync(byte[] query, CancellationToken ct)
    {
        foreach (var upstream in Upstreams())
        {
            using var socket = new Socket(upstream.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(Patience);
            try
            {
                await socket.ConnectAsync(upstream, Port, limit.Token);
                await socket.SendAsync(query, limit.Token);
                var buffer = new byte[4096];
                return buffer[..await socket.ReceiveAsync(buffer, limit.Token)];
            }
            catch (Exception silent) when (silent is SocketException || (silent is OperationCanceledException && !ct.IsCancellationRequested))
            {
                // The next one may know.
            }
        }
        return null;
    }

    private static IEnumerable<IPAddress> Upstreams() => !File.Exists("/etc/resolv.conf") ? [] : File.ReadLines("/etc/resolv.conf")
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words is ["nameserver", _, ..])
        .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null).OfType<IPAddress>();
}
