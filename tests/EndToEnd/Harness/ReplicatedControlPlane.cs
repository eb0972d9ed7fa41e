using Troupe.Tests.Shared;

namespace Troupe.EndToEnd.Harness;

/// <summary>
/// Three control planes as a platform team runs them: one journal in PostgreSQL, mutual TLS between all members and agents, a Service that leads to
/// whoever is ready. Three, because of two members none can tell a dead peer from a lost network.
/// </summary>
public sealed class ReplicatedControlPlane : IAsyncDisposable
{
    private const string Service = "virt-api";
    private readonly PostgresServer _journal;
    private readonly TestAuthority _authority = new();
    private readonly Dictionary<Part, (int Akka, int Api)> _ports = Parts.ToDictionary(p => p, _ => (Ports.Free(), Ports.Free()));
    private readonly Dictionary<string, TestAuthority> _strangers = [];

    private ReplicatedControlPlane(PostgresServer journal) => _journal = journal;

    public static IReadOnlyList<Part> Parts { get; } = [Part.ControlPlane, Part.ControlPlane2, Part.ControlPlane3];

    /// <summary>The Service, and for each replica a slice of its own: ports differ on one machine.</summary>
    public string Endpoints => string.Join("\n---\n", _ports.Select(p => Slice(p.Key, p.Value.Api)).Prepend($$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{Service}}, namespace: kubevirt}
        spec: {ports: [{port: 443}]}
        """));

    public static async Task<ReplicatedControlPlane> StartAsync() => new(await PostgresServer.StartAsync());

    public static string SliceOf(Part replica) => $"{Service}-{replica}".ToLowerInvariant();

    public string EndpointOf(Part replica) => Slice(replica, _ports[replica].Api);

    /// <summary>What its readiness probe says.</summary>
    public async Task<bool> IsReadyAsync(Part replica)
    {
        // kubelet does not verify certificates either.
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator });
        try
        {
            using var answer = await http.GetAsync($"https://127.0.0.1:{_ports[replica].Api}/readyz");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>From its next start the agent shows a certificate that only this authority signed; null: one of the cluster's.</summary>
    public void ShowAsAgent(string node, TestAuthority? stranger)
    {
        if (stranger is null)
            _strangers.Remove(node);
        else
            _strangers[node] = stranger;
    }

    public string[] Arguments(Part replica)
    {
        var (akka, api) = _ports[replica];
        return ["--akka-port", $"{akka}", "--api-port", $"{api}", "--service", Service, "--journal-connection", _journal.ConnectionString,
            .. _ports.Values.SelectMany(p => new[] { "--seed", $"127.0.0.1:{p.Akka}" }), .. Tls($"{replica}", _authority)];
    }

    public string[] AgentArguments(string node) =>
        [.. _ports.Values.SelectMany(p => new[] { "--contact-points", $"127.0.0.1:{p.Akka}" }), .. Tls(node, _strangers.GetValueOrDefault(node, _authority))];

    public async ValueTask DisposeAsync()
    {
        _authority.Dispose();
        await _journal.DisposeAsync();
    }

    private string[] Tls(string name, TestAuthority signer)
    {
        var (certificate, key) = signer.Sign(name);
        return ["--tls-certificate", certificate, "--tls-key", key, "--tls-ca", _authority.Authority];
    }

    private static string Slice(Part replica, int port) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: {{SliceOf(replica)}}, namespace: kubevirt, labels: {kubernetes.io/service-name: {{Service}} } }
        addressType: IPv4
        ports: [{name: "", port: {{port}} }]
        endpoints: [{addresses: [127.0.0.1], conditions: {ready: true} }]
        """;
}
