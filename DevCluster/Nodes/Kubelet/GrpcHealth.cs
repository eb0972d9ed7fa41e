using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>
/// One call of <c>grpc.health.v1.Health/Check</c>, by hand: a single unary call without TLS needs no gRPC library. Source: gRPC over
/// HTTP/2 and the gRPC health checking protocol, as published by the gRPC project.
/// </summary>
internal static class GrpcHealth
{
    private const int Prefix = 5;
    private static readonly string[] Statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <returns>Null when the service is serving, otherwise what went wrong.</returns>
    public static async Task<string?> CheckAsync(string host, int port, string service, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{host}:{port}/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Message(service)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.ParseAdd("trailers");
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.32");
        try
        {
            using var response = await Http.SendAsync(request, ct);
            var body = await response.Content.ReadAsByteArrayAsync(ct);
            // A call that fails at once has its status in the headers.
            var code = Header(response.TrailingHeaders) ?? Header(response.Headers);
            return code switch
            {
                "12" => "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)",
                not "0" => $"error: health rpc probe failed with status {code ?? $"HTTP {(int)response.StatusCode}"}",
                _ => Status(body) is "SERVING" ? null : $"service unhealthy (responded with \"{Status(body)}\")",
            };
        }
        catch (HttpRequestException failure)
        {
            return $"failed to connect service \"{host}:{port}\": {failure.InnerException?.Message ?? failure.Message}";
        }
    }

    private static string? Header(HttpResponseHeaders headers) => headers.TryGetValues("grpc-status", out var values) ? values.FirstOrDefault() : null;

    /// <summary>HealthCheckRequest { string service = 1 }, uncompressed.</summary>
    private static byte[] Message(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        List<byte> field = name.Length == 0 ? [] : [0x0a, .. Varint(name.Length), .. name];
        var message = new byte[Prefix + field.Count];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), field.Count);
        field.CopyTo(message, Prefix);
        return message;
    }

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    /// <summary>HealthCheckResponse { ServingStatus status = 1 }; a field that is left out is its zero.</summary>
    private static string Status(ReadOnlySpan<byte> body) => body.Length <= Prefix ? Statuses[0]
        : body is [0, _, _, _, _, 0x08, var status, ..] && status < Statuses.Length ? Statuses[status] : "an unreadable answer";
}
