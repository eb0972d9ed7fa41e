using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Troupe.Launcher.Hooks;

/// <summary>A hook side-car could not be asked, or has refused.</summary>
internal sealed class HookException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Unary gRPC calls over a unix socket: HTTP/2 with a length before each message and the outcome in the trailers.</summary>
internal sealed class GrpcSocket(string path) : IDisposable
{
    private const int PrefixBytes = 5;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    });

    /// <exception cref="HookException">Nobody answers, or the answer is an error.</exception>
    public async Task<byte[]> CallAsync(string service, string method, byte[] message, CancellationToken ct)
    {
        var frame = new byte[PrefixBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, PrefixBytes);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://localhost/{service}/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        try
        {
            using var response = await _http.SendAsync(request, ct).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
            // A call that fails at once has its outcome in the headers.
            var outcome = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
            var status = Value(outcome, "grpc-status");
            if (status != "0")
                throw new HookException($"{service}/{method}: {Uri.UnescapeDataString(Value(outcome, "grpc-message") ?? $"status {status ?? ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture)}")}");
            if (body.Length < PrefixBytes || body[0] != 0 || BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1)) != body.Length - PrefixBytes)
                throw new HookException($"{service}/{method}: the answer is not one uncompressed message");
            return body[PrefixBytes..];
        }
        catch (HttpRequestException e)
        {
            throw new HookException($"{service}/{method}: {e.InnerException?.Message ?? e.Message}", e);
        }
    }

    public void Dispose() => _http.Dispose();

    private static string? Value(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
