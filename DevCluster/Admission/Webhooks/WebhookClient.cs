using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>A webhook couldn't be asked; the message is what follows "failed calling webhook".</summary>
internal sealed class WebhookCallException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Posts reviews to webhooks; one pool of connections for each target.</summary>
internal sealed class WebhookClient(ServiceResolver resolver, TimeProvider time) : IDisposable
{
    /// <summary>More than any sane answer; a webhook must not be able to fill the server's memory.</summary>
    private const int MaxAnswerBytes = 16 << 20;

    private const int MaxTargets = 256;

    private readonly ConcurrentDictionary<WebhookTarget, HttpMessageInvoker> _clients = new();

    /// <exception cref="WebhookCallException">No answer, or none that could be read.</exception>
    public async Task<JsonObject> PostAsync(WebhookTarget target, JsonObject review, TimeSpan timeout, CancellationToken ct)
    {
        var address = new UriBuilder(target.Address) { Query = $"timeout={timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s" }.Uri;
        var call = $"failed to call webhook: Post \"{address}\": ";
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(review.ToUtf8()) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.UserAgent.ParseAdd("kube-apiserver-admission");
            using var response = await Client(target).SendAsync(request, either.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            if (!response.IsSuccessStatusCode)
                throw new WebhookCallException("failed to call webhook: " + Refusal(response.StatusCode, body));
            return JsonReader.ParseObject(body);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new WebhookCallException(call + "context deadline exceeded", e);
        }
        catch (HttpRequestException e)
        {
            throw new WebhookCallException(call + Why(e), e);
        }
        catch (JsonException e)
        {
            throw new WebhookCallException("failed to call webhook: couldn't get version/kind; json parse error: " + e.Message, e);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    private static string Refusal(HttpStatusCode code, byte[] body) => code == HttpStatusCode.NotFound
        ? "the server could not find the requested resource"
        : (int)code >= 500
            ? $"an error on the server (\"{JsonReader.Utf8(body.AsSpan(0, Math.Min(body.Length, 2048))).Trim()}\") has prevented the request from succeeding"
            : $"the server responded with the status code {(int)code} but did not return more information";

    /// <summary>The innermost reason, in the words a Go client has for the usual ones.</summary>
    private static string Why(HttpRequestException e) => e.InnerException switch
    {
        ApiException refused => refused.Message,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "dial tcp: connect: connection refused",
        System.Security.Authentication.AuthenticationException => "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        { } inner => inner.Message,
        null => e.Message,
    };

    private HttpMessageInvoker Client(WebhookTarget target)
    {
        // Targets come and go with their configurations; forgotten clients end by idling.
        if (_clients.Count > MaxTargets)
            _clients.Clear();
        return _clients.GetOrAdd(target, t => new HttpMessageInvoker(Handler(t)));
    }

    private SocketsHttpHandler Handler(WebhookTarget target)
    {
        var bundle = target.CaBundle.Length > 0 ? Convert.FromBase64String(target.CaBundle) : null;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = target.Address.Host,
                RemoteCertificateValidationCallback = (_, certificate, _, errors) => Trust.Holds(bundle, certificate as X509Certificate2, errors),
            },
        };
        if (target.Url.Length == 0)
            handler.ConnectCallback = (_, ct) => resolver.ConnectAsync(target.Namespace, target.Service, target.Port, ct);
        return handler;
    }
}
