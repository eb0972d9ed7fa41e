using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Client;

/// <summary>
/// Our typed calls over KubernetesClient's configuration, authentication and transport. The library's own model classes drop fields
/// they do not know; ours keep them.
/// </summary>
public sealed class KubeClient : IKubeClient, IDisposable
{
    private readonly k8s.Kubernetes _transport;
    private readonly Uri _base;

    public KubeClient(KubernetesClientConfiguration configuration)
    {
        // A watch lives longer than any request; requests have their own deadlines.
        configuration.HttpClientTimeout = Timeout.InfiniteTimeSpan;
        _transport = new k8s.Kubernetes(configuration);
        _base = new Uri(_transport.BaseUri.ToString().TrimEnd('/') + "/");
    }

    /// <summary>Longest time for any request but a watch.</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    /// <param name="path">A kubeconfig file; null inside of a pod.</param>
    public static KubeClient FromKubeconfig(string? path) => new(path is null
        ? KubernetesClientConfiguration.InClusterConfig()
        : KubernetesClientConfiguration.BuildConfigFromConfigFile(path));

    public async Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(resource.Path(ns, name)));
        return await SendAsync(request, resource.Json, ct).ConfigureAwait(false);
    }

    public async Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject
    {
        try
        {
            return await GetAsync<T>(ns, name, ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    public async Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(resource.Path(ns), Parameters(query ?? new ListQuery())));
        return await SendAsync(request, resource.ListJson, ct).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, [EnumeratorCancellation] CancellationToken ct) where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(resource.Path(ns), [("watch", "true"), .. Parameters(query)]));
        using var response = await RespondAsync(request, ct).ConfigureAwait(false);
        await using var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(ct).ConfigureAwait(false) is { } line)
        {
            if (line.Length > 0)
                yield return Parse(line, resource);
        }
    }

    public async Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        var typed = obj with { ApiVersion = resource.ApiVersion, Kind = resource.Kind };
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(resource.Path(obj.Metadata.Namespace)))
        {
            Content = Body(JsonSerializer.SerializeToUtf8Bytes(typed, resource.Json), "application/json"),
        };
        return await SendAsync(request, resource.Json, ct).ConfigureAwait(false);
    }

    public async Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default)
        where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        List<(string, string)> parameters = [];
        if (query?.FieldManager is { } manager)
            parameters.Add(("fieldManager", manager));
        if (query?.Force is true)
            parameters.Add(("force", "true"));
        if (query?.DryRun is true)
            parameters.Add(("dryRun", "All"));
        using var request = new HttpRequestMessage(HttpMethod.Patch, Address(resource.Path(ns, name, subresource), parameters))
        {
            Content = Body(Encoding.UTF8.GetBytes(patch.ToJsonString()), type switch
            {
                PatchType.Merge => "application/merge-patch+json",
                PatchType.Json => "application/json-patch+json",
                PatchType.StrategicMerge => "application/strategic-merge-patch+json",
                _ => "application/apply-patch+yaml",
            }),
        };
        return await SendAsync(request, resource.Json, ct).ConfigureAwait(false);
    }

    public async Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject
    {
        var options = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions" };
        if (query?.Uid is { } uid)
            options["preconditions"] = new JsonObject { ["uid"] = uid };
        if (query?.GracePeriodSeconds is { } grace)
            options["gracePeriodSeconds"] = grace;
        if (query?.PropagationPolicy is { } policy)
            options["propagationPolicy"] = policy;
        using var request = new HttpRequestMessage(HttpMethod.Delete, Address(KubeResources.Of<T>().Path(ns, name)))
        {
            Content = Body(Encoding.UTF8.GetBytes(options.ToJsonString()), "application/json"),
        };
        await SendRawAsync(request, ct).ConfigureAwait(false);
    }

    public async Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, Address(KubeResources.Of<T>().Path(ns), Parameters(query)));
        await SendRawAsync(request, ct).ConfigureAwait(false);
    }

    public async Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, Address(path.TrimStart('/'), [("fieldManager", fieldManager), ("force", "true")]))
        {
            Content = Body(Encoding.UTF8.GetBytes(obj.ToJsonString()), "application/apply-patch+yaml"),
        };
        await SendRawAsync(request, ct).ConfigureAwait(false);
    }

    public async Task<JsonElement?> FindRawAsync(string path, CancellationToken ct = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(path.TrimStart('/')));
        try
        {
            using var document = JsonDocument.Parse(await SendRawAsync(request, ct).ConfigureAwait(false));
            return document.RootElement.Clone();
        }
        catch (KubeException e) when (e.IsNotFound || e.IsNotServed)
        {
            return null;
        }
    }

    public async Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(path.TrimStart('/')))
        {
            Content = Body(Encoding.UTF8.GetBytes(obj.ToJsonString()), "application/json"),
        };
        var bytes = await SendRawAsync(request, ct).ConfigureAwait(false);
        return JsonNode.Parse(bytes) ?? throw new JsonException("the API server answered null");
    }

    public void Dispose() => _transport.Dispose();

    private static WatchEvent<T> Parse<T>(string line, KubeResource<T> resource) where T : KubeObject
    {
        // {"type":"MODIFIED","object":{…}}
        using var document = JsonDocument.Parse(line);
        var body = document.RootElement.GetProperty("object");
        var type = document.RootElement.GetProperty("type").GetString();
        if (type == "ERROR")
            throw new KubeException(body.Deserialize(ApiJson.Default.Status) ?? new Status());
        var obj = body.Deserialize(resource.Json) ?? throw new JsonException("a watch event without an object");
        return new WatchEvent<T>(type switch
        {
            "ADDED" => WatchEventType.Added,
            "MODIFIED" => WatchEventType.Modified,
            "DELETED" => WatchEventType.Deleted,
            "BOOKMARK" => WatchEventType.Bookmark,
            _ => throw new JsonException($"unknown watch event type '{type}'"),
        }, obj);
    }

    private static List<(string, string)> Parameters(ListQuery query)
    {
        List<(string, string)> parameters = [];
        if (query.LabelSelector is { } labels)
            parameters.Add(("labelSelector", labels));
        if (query.FieldSelector is { } fields)
            parameters.Add(("fieldSelector", fields));
        if (query.Limit is { } limit)
            parameters.Add(("limit", limit.ToString()));
        if (query.Continue is { } token)
            parameters.Add(("continue", token));
        if (query.ResourceVersion is { } version)
            parameters.Add(("resourceVersion", version));
        if (query.TimeoutSeconds is { } timeout)
            parameters.Add(("timeoutSeconds", timeout.ToString()));
        if (query.AllowBookmarks)
            parameters.Add(("allowWatchBookmarks", "true"));
        return parameters;
    }

    private Uri Address(string path, IReadOnlyCollection<(string Name, string Value)>? parameters = null) => new(_base, parameters is null or { Count: 0 }
        ? path
        : path + "?" + string.Join('&', parameters.Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}")));

    private static ByteArrayContent Body(byte[] bytes, string mediaType) =>
        new(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };

    private async Task<TResult> SendAsync<TResult>(HttpRequestMessage request, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TResult> json, CancellationToken ct)
    {
        var bytes = await SendRawAsync(request, ct).ConfigureAwait(false);
        return JsonSerializer.Deserialize(bytes, json) ?? throw new JsonException("the API server answered null");
    }

    private async Task<byte[]> SendRawAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(RequestTimeout);
        try
        {
            using var response = await RespondAsync(request, deadline.Token).ConfigureAwait(false);
            return await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new HttpRequestException($"{request.Method} {request.RequestUri?.AbsolutePath} was not answered in {RequestTimeout.TotalSeconds:0} s", e);
        }
    }

    private async Task<HttpResponseMessage> RespondAsync(HttpRequestMessage request, CancellationToken ct)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Version = System.Net.HttpVersion.Version20;
        if (_transport.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, ct).ConfigureAwait(false);
        var response = await _transport.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            throw new KubeException(await ReadStatus(response, ct).ConfigureAwait(false));
        }
    }

    private static async Task<Status> ReadStatus(HttpResponseMessage response, CancellationToken ct)
    {
        var text = await response.Content.ReadAsStringAsync(ct).ConfigureAwait(false);
        try
        {
            // A proxy in between may answer with a page instead of a Status.
            if (JsonSerializer.Deserialize(text, ApiJson.Default.Status) is { Code: not null } status)
                return status;
        }
        catch (JsonException)
        {
        }

        return new Status { Code = (int)response.StatusCode, Reason = response.ReasonPhrase, Message = text.Length > 500 ? text[..500] : text };
    }
}
