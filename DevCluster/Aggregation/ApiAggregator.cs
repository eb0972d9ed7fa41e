using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Aggregation;

/// <summary>
/// The aggregation layer: group versions that an APIService gives to another server are proxied there as they come, streams and
/// upgrades included. The user travels in X-Remote-* headers, vouched for by the front-proxy client certificate.
/// </summary>
internal sealed class ApiAggregator(ResourceRegistry registry, ServiceResolver resolver, X509Certificate2 proxyCertificate, ILogger log) : IDisposable
{
    public const string Table = "apiregistration.k8s.io/apiservices";

    private static readonly HashSet<string> HopByHop = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Authorization",
    };

    /// <summary>For what is asked of a backend beside the requests that are for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private ImmutableDictionary<(string Group, string Version), AggregatedService> _services = ImmutableDictionary<(string, string), AggregatedService>.Empty;
    private ImmutableDictionary<string, HttpMessageInvoker> _clients = ImmutableDictionary<string, HttpMessageInvoker>.Empty;
    private long _version;

    public long Version => Volatile.Read(ref _version);

    public IEnumerable<AggregatedService> Services => Volatile.Read(ref _services).Values;

    /// <summary>The service a group version is given to; what the server itself serves can't be given away.</summary>
    public AggregatedService? Find(string group, string version) =>
        group.Length > 0 && !registry.HasGroupVersion(group, version) ? Volatile.Read(ref _services).GetValueOrDefault((group, version)) : null;

    /// <summary>Runs before the writer of the APIService is answered.</summary>
    public void Follow(StoreEvent e)
    {
        if (e.Object.Table != Table)
            return;
        try
        {
            Set(e.Type == StoreEventType.Deleted ? null : AggregatedService.From(e.Object.Parse(), e.ResourceVersion), e.Object.Name);
        }
        catch (FormatException error)
        {
            log.LogError(error, "APIService {Name} can't be used", e.Object.Name);
        }
    }

    public void Set(AggregatedService? service, string name)
    {
        lock (_gate)
        {
            var old = _services.Values.FirstOrDefault(s => s.Name == name);
            if (old is not null && service is not null && old.SameBackend(service))
                service = service with { Resources = old.Resources, OpenApiUrl = old.OpenApiUrl };
            else
            {
                // Not disposed: requests on their way may still use it; its connections end by idling.
                _clients = _clients.Remove(name);
            }
            var map = _services;
            if (old is not null)
                map = map.Remove((old.Group, old.Version));
            if (service is not null)
                map = map.SetItem((service.Group, service.Version), service);
            Volatile.Write(ref _services, map);
            Interlocked.Increment(ref _version);
        }
    }

    public void SetDiscovered(AggregatedService service, JsonArray resources, string? openApiUrl)
    {
        lock (_gate)
        {
            if (!_services.TryGetValue((service.Group, service.Version), out var current) || current.Name != service.Name
                || (resources.SameAs(current.Resources) && openApiUrl == current.OpenApiUrl))
                return;
            Volatile.Write(ref _services, _services.SetItem((service.Group, service.Version), current with { Resources = (JsonArray)resources.DeepClone(), OpenApiUrl = openApiUrl }));
            Interlocked.Increment(ref _version);
        }
    }

    /// <summary>Asks the server behind a service what it serves, and where it describes that.</summary>
    /// <exception cref="HttpRequestException">It can't be reached or doesn't answer as it should.</exception>
    public async Task<(JsonArray Resources, string? OpenApiUrl)> DiscoverAsync(AggregatedService service, CancellationToken ct)
    {
        var path = $"/apis/{service.Group}/{service.Version}";
        var (code, body) = await GetAsync(service, path, ct);
        if (code != HttpStatusCode.OK)
        {
            var address = Address(service, path);
            throw new HttpRequestException($"failing or missing response from {address}: bad status from {address}: {(int)code}");
        }
        var (found, index) = await GetAsync(service, "/openapi/v3", ct);
        return (JsonReader.ParseObject(body).Arr("resources") ?? [], found == HttpStatusCode.OK ? OpenApiUrl(index, path[1..]) : null);
    }

    /// <summary>The OpenAPI v2 document of the server behind a service; null when it has none or is not to be reached.</summary>
    public async Task<byte[]?> OpenApiV2Async(AggregatedService service, CancellationToken ct)
    {
        if (Problem(service) is not null)
            return null;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            var (code, body) = await GetAsync(service, "/openapi/v2", patience.Token);
            return code == HttpStatusCode.OK && JsonReader.ParseObject(body).Str("swagger") == "2.0" ? body : null;
        }
        catch (Exception e) when ((e is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException) && !ct.IsCancellationRequested)
        {
            log.LogWarning("The OpenAPI document of {Service} is left out: {Why}", service.Name, e.Message);
            return null;
        }
    }

    /// <summary>A server without OpenAPI v3 may answer anything there.</summary>
    private static string? OpenApiUrl(byte[] index, string path)
    {
        try
        {
            return JsonReader.ParseObject(index).Str("paths", path, "serverRelativeURL");
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private Task<(HttpStatusCode Code, byte[] Body)> GetAsync(AggregatedService service, string path, CancellationToken ct) => SendAsync(service, HttpMethod.Get, path, null, ct);

    /// <summary>Asks something on the server's own behalf.</summary>
    public async Task<(HttpStatusCode Code, byte[] Body)> SendAsync(AggregatedService service, HttpMethod method, string path, JsonObject? content, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, Address(service, path));
        request.Headers.Accept.ParseAdd("application/json");
        if (content is not null)
            request.Content = new ByteArrayContent(content.ToUtf8()) { Headers = { ContentType = new("application/json") } };
        RequestHeaders.Write(request, new UserInfo("system:kube-aggregator", "system:masters"));
        using var response = await Client(service).SendAsync(request, ct);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(ct));
    }

    /// <summary>Why the service can't be reached, before anything is sent to it.</summary>
    public (string Reason, string Message)? Problem(AggregatedService service) => resolver.Problem(service.Namespace, service.Service, service.Port);

    public async Task ProxyAsync(HttpContext context, AggregatedService service, UserInfo user)
    {
        // A kept connection would still lead to where a service that is gone had led.
        if (Problem(service) is not null)
            throw ApiException.Unavailable("service unavailable");
        var ct = context.RequestAborted;
        var incoming = context.Request;
        var upgrade = context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : null;
        using var request = new HttpRequestMessage(new HttpMethod(incoming.Method), Address(service, incoming.Path.ToUriComponent() + incoming.QueryString.ToUriComponent()))
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (upgrade is null && (incoming.ContentLength is > 0 || incoming.Headers.TransferEncoding.Count > 0 || incoming.Method is "POST" or "PUT" or "PATCH"))
            request.Content = new StreamContent(incoming.Body);
        foreach (var (name, values) in incoming.Headers)
        {
            if (HopByHop.Contains(name) || name.StartsWith("X-Remote-", StringComparison.OrdinalIgnoreCase) || name.StartsWith(':'))
                continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        if (upgrade is not null)
        {
            request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            request.Headers.TryAddWithoutValidation("Upgrade", incoming.Headers.Upgrade.ToString());
        }
        RequestHeaders.Write(request, user);
        HttpResponseMessage response;
        try
        {
            response = await Client(service).SendAsync(request, ct);
        }
        catch (HttpRequestException e)
        {
            throw new ApiException(503, "ServiceUnavailable", $"error trying to reach service: {e.InnerException?.Message ?? e.Message}");
        }
        using (response)
        {
            context.Response.StatusCode = (int)response.StatusCode;
            foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
            {
                if (!HopByHop.Contains(name) || (response.StatusCode == HttpStatusCode.SwitchingProtocols && name is "Upgrade" or "Connection"))
                    context.Response.Headers.Append(name, values.ToArray());
            }
            if (response.StatusCode == HttpStatusCode.SwitchingProtocols && upgrade is not null)
                await SpliceAsync(response, upgrade, ct);
            else
                await CopyAsync(response, context, ct);
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    private static async Task SpliceAsync(HttpResponseMessage response, IHttpUpgradeFeature upgrade, CancellationToken ct)
    {
        await using var backend = await response.Content.ReadAsStreamAsync(ct);
        await using var client = await upgrade.UpgradeAsync();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var up = PumpAsync(client, backend, done.Token);
        var down = PumpAsync(backend, client, done.Token);
        await Task.WhenAny(up, down);
        await done.CancelAsync();
        await Task.WhenAll(up, down);
    }

    private static async Task PumpAsync(Stream from, Stream to, CancellationToken ct)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, ct)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), ct);
                await to.FlushAsync(ct);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // One side hung up; the other is told by the end of its stream.
        }
    }

    private static async Task CopyAsync(HttpResponseMessage response, HttpContext context, CancellationToken ct)
    {
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var buffer = new byte[32 * 1024];
        int read;
        // Flushed chunk by chunk: watches and logs must not wait for a full buffer.
        while ((read = await body.ReadAsync(buffer, ct)) > 0)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), ct);
            await context.Response.Body.FlushAsync(ct);
        }
    }

    private static Uri Address(AggregatedService service, string pathAndQuery) => new($"https://{service.Service}.{service.Namespace}.svc:{service.Port}{pathAndQuery}");

    private HttpMessageInvoker Client(AggregatedService service)
    {
        lock (_gate)
        {
            if (!_clients.TryGetValue(service.Name, out var client))
                _clients = _clients.SetItem(service.Name, client = new HttpMessageInvoker(Handler(service)));
            return client;
        }
    }

    private SocketsHttpHandler Handler(AggregatedService service) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        ConnectTimeout = TimeSpan.FromSeconds(10),
        ConnectCallback = (_, ct) => resolver.ConnectAsync(service.Namespace, service.Service, service.Port, ct),
        SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = $"{service.Service}.{service.Namespace}.svc",
            ClientCertificates = [proxyCertificate],
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => service.SkipVerify || Trust.Holds(service.CaBundle, certificate as X509Certificate2, errors),
        },
    };
}
