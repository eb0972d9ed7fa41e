using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster;
using Xunit;

[assembly: AssemblyFixture(typeof(Troupe.Conformance.Harness.ApiServer))]

namespace Troupe.Conformance.Harness;

/// <summary>
/// The server under test: the one of the kubeconfig in TROUPE_CONFORMANCE_KUBECONFIG, or a DevCluster of our own without nodes.
/// The tests can't tell which; they only ask what it can do.
/// </summary>
public sealed class ApiServer : IAsyncLifetime
{
    public const string Variable = "TROUPE_CONFORMANCE_KUBECONFIG";

    private readonly string _folder = Directory.CreateTempSubdirectory("trp-conformance-").FullName;
    private DevClusterHost? _own;
    private X509Certificate2 _authority = null!;
    private X509Certificate2? _certificate;
    private string? _token;

    public HttpClient Http { get; private set; } = null!;

    public Kubectl Kubectl { get; private set; } = null!;

    public string Url { get; private set; } = "";

    /// <summary>The minor of version 1.x.</summary>
    public int Minor { get; private set; }

    /// <summary>Whether somebody fills namespaces and collects garbage beside the API server.</summary>
    public bool HasControllers { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var kubeconfig = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(kubeconfig))
        {
            _own = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = Path.Combine(_folder, "state") });
            kubeconfig = _own.Kubeconfig;
        }
        Kubectl = new Kubectl(kubeconfig, Path.Combine(_folder, "cache"));
        var config = JsonNode.Parse((await Kubectl.RunAsync("config view --raw --flatten --minify -o json")).Output);
        Url = config.Text("clusters[0].cluster.server")!.TrimEnd('/');
        _authority = X509Certificate2.CreateFromPem(Decoded(config.Text("clusters[0].cluster.certificate-authority-data")!));
        _token = config.Text("users[0].user.token");
        if (config.Text("users[0].user.client-certificate-data") is { } certificate)
            _certificate = X509Certificate2.CreateFromPem(Decoded(certificate), Decoded(config.Text("users[0].user.client-key-data")!));
        Http = Client();
        Minor = int.Parse((await SendAsync("GET", "/version"))["minor"]!.TrimEnd('+'));
        HasControllers = await ProbeControllersAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_own is not null)
            await _own.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public HttpClient Client(bool anonymous = false, Version? version = null)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions =
            {
                ClientCertificates = anonymous || _certificate is null ? [] : [_certificate],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { _authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri(Url),
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("conformance", "1") } },
        };
        if (!anonymous && _certificate is null && _token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        return client;
    }

    public async Task<Answer> SendAsync(string method, string path, string? body = null, string? type = null, string? accept = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type ?? "application/json");
        }
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Http.SendAsync(request);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers, response.Version);
    }

    /// <summary>Makes the present the oldest version that can be asked for, where that can be done from outside.</summary>
    /// <returns>False for a server whose history we can't cut.</returns>
    public bool ForgetHistory()
    {
        _own?.Compact();
        return _own is not null;
    }

    private async Task<bool> ProbeControllersAsync()
    {
        await using var ns = await TestNamespace.CreateAsync(this);
        return await Eventually.TrueAsync(async () => (await SendAsync("GET", $"{ns.Path("serviceaccounts")}/default")).Code == 200, TimeSpan.FromSeconds(10));
    }

    private static string Decoded(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
