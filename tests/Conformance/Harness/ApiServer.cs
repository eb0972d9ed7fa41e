using System.Net.Http.Headers;
using System.Text;
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
    private ServerAccess _access = null!;

    public HttpClient Http { get; private set; } = null!;

    public Kubectl Kubectl { get; private set; } = null!;

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
        _access = await ServerAccess.ReadAsync(kubeconfig);
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

    public HttpClient Client(bool anonymous = false, Version? version = null) => _access.Client(anonymous, version);

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
}
