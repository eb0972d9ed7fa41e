using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>An API server of one's own, with HTTP and kubectl at hand; leaves nothing behind.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-api-").FullName;

    private TestCluster()
    {
    }

    public DevClusterHost Host { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string StateDirectory => Path.Combine(_folder, "state");

    public static async Task<TestCluster> StartAsync(Func<DevClusterOptions, DevClusterOptions>? configure = null)
    {
        var cluster = new TestCluster();
        var options = new DevClusterOptions { StateDirectory = cluster.StateDirectory };
        cluster.Host = await DevClusterHost.StartAsync(configure?.Invoke(options) ?? options);
        cluster.Http = cluster.Client();
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public HttpClient Client(bool certificate = true) => Client(Host.Url, Host.CertificateAuthority, certificate ? Host.AdminCertificate : null);

    public static HttpClient Client(string url, X509Certificate2 authority, X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler { SslOptions = Trusting(authority, certificate) };
        return new HttpClient(handler) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60), DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("test", "1") } } };
    }

    public static SslClientAuthenticationOptions Trusting(X509Certificate2 authority, X509Certificate2? certificate) => new()
    {
        ClientCertificates = certificate is null ? [] : [certificate],
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };

    /// <summary>One request; the answer's body must be JSON.</summary>
    public async Task<(HttpStatusCode Code, JsonObject Body)> SendAsync(string method, string path, JsonNode? body = null, string type = "application/json", string? accept = null)
    {
        var (response, text) = await RawAsync(method, path, body?.ToJsonString(), type, accept);
        return (response.StatusCode, JsonNode.Parse(text)!.AsObject());
    }

    public async Task<(HttpResponseMessage Response, string Text)> RawAsync(string method, string path, string? body = null, string type = "application/json", string? accept = null, (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        if (header is { } given)
            request.Headers.TryAddWithoutValidation(given.Name, given.Value);
        var response = await Http.SendAsync(request);
        return (response, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Output and errors together: what a person would read.</summary>
    public Task<string> KubectlAsync(string arguments, string? input = null) => KubectlAsync(Host.Kubeconfig, _folder, arguments, input);

    public static async Task<string> KubectlAsync(string kubeconfig, string cache, string arguments, string? input = null)
    {
        // A discovery cache of its own: tests reuse ports, and kubectl caches by host and port.
        var start = new ProcessStartInfo("kubectl", [$"--kubeconfig={kubeconfig}", $"--cache-dir={cache}/kubectl-cache", .. Words(arguments)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return await output + await error;
    }

    /// <summary>As a shell would, with single quotes.</summary>
    private static IEnumerable<string> Words(string line) =>
        Regex.Matches(line, @"(?:'[^']*'|[^\s'])+").Select(m => m.Value.Replace("'", "", StringComparison.Ordinal));

    public async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        var deadline = Stopwatch.StartNew();
        while (!await condition())
        {
            if (deadline.Elapsed > TimeSpan.FromSeconds(30))
                throw new TimeoutException("still not: " + what);
            await Task.Delay(20);
        }
    }

    public async Task<bool> IsGoneAsync(string path) => (await Http.GetAsync(path)).StatusCode == HttpStatusCode.NotFound;

    public static JsonObject ConfigMap(string name, string value = "1", JsonObject? metadata = null)
    {
        var meta = metadata ?? [];
        meta["name"] = name;
        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = meta, ["data"] = new JsonObject { ["k"] = value } };
    }

    public static JsonObject Parse(string text) => JsonNode.Parse(text)!.AsObject();

    public const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
}
