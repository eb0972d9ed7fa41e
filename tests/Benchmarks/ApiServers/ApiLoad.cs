using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Troupe.Benchmarks.ApiServers;

/// <param name="PerSecond">Requests that were answered, per second.</param>
/// <param name="P99">Milliseconds.</param>
public sealed record LoadResult(double PerSecond, double P99);

/// <summary>Sixteen clients that each send one request after the other.</summary>
public sealed class ApiLoad(HttpClient http)
{
    private const int Clients = 16;

    /// <summary>About what a small config map or VM object weighs.</summary>
    private static readonly string Payload = new('x', 800);

    private readonly HashSet<string> _namespaces = [];

    public async Task<LoadResult> CreateAsync(string ns, int count)
    {
        await NamespaceAsync(ns);
        return await RunAsync(count, i => Request(HttpMethod.Post, $"/api/v1/namespaces/{ns}/configmaps",
            $$$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c{{{{i}}}}","labels":{"app":"bench"}},"data":{"k":"{{{{Payload}}}}"}}"""));
    }

    public Task<LoadResult> GetAsync(string ns, int objects, int count) =>
        RunAsync(count, i => Request(HttpMethod.Get, $"/api/v1/namespaces/{ns}/configmaps/c{i * 7919L % objects}"));

    /// <returns>Milliseconds for one list, the mean.</returns>
    public async Task<double> ListAsync(string ns, int times)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < times; i++)
            await SendAsync(Request(HttpMethod.Get, $"/api/v1/namespaces/{ns}/configmaps"));
        return clock.Elapsed.TotalMilliseconds / times;
    }

    public async Task<LoadResult> PatchStatusAsync(string ns, int objects, int count)
    {
        await NamespaceAsync(ns);
        var path = $"/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses";
        await RunAsync(objects, i => Request(HttpMethod.Post, path,
            $$$"""{"metadata":{"name":"i{{{i}}}"},"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80} } } } }"""));
        return await RunAsync(count, i => Request(HttpMethod.Patch, $"{path}/i{i % objects}/status",
            $$$"""{"status":{"loadBalancer":{"ingress":[{"ip":"10.{{{i / 65536}}}.{{{i / 256 % 256}}}.{{{i % 256}}}"}]} } }""", "application/merge-patch+json"));
    }

    private async Task NamespaceAsync(string ns)
    {
        if (_namespaces.Add(ns))
            await SendAsync(Request(HttpMethod.Post, "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{ns}}}"}}"""));
    }

    private async Task<LoadResult> RunAsync(int count, Func<int, HttpRequestMessage> request)
    {
        var times = new ConcurrentBag<double>();
        var next = -1;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                var begin = Stopwatch.GetTimestamp();
                await SendAsync(request(i));
                times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
        })));
        return new LoadResult(count / clock.Elapsed.TotalSeconds, Percentiles.Of(times, 99));
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, string? body = null, string type = "application/json") => new(method, path)
    {
        Content = body is null ? null : new StringContent(body, Encoding.UTF8, type),
    };

    private async Task SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await http.SendAsync(request);
            var body = await response.Content.ReadAsByteArrayAsync();
            if (!response.IsSuccessStatusCode)
                throw new InvalidOperationException($"{request.Method} {request.RequestUri}: {(int)response.StatusCode} {Encoding.UTF8.GetString(body)}");
        }
    }
}
