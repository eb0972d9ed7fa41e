using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Controllers;
using Troupe.DevCluster.Discovery;
using Troupe.DevCluster.Http;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster;

/// <summary>
/// One running cluster: <c>await using var cluster = await DevClusterHost.StartAsync(new() { StateDirectory = dir });</c>.
/// Any number of them live side by side in one process.
/// </summary>
public sealed class DevClusterHost : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly ObjectStore _store;
    private readonly ApiAggregator _aggregator;
    private readonly PodLogs _podLogs;
    private readonly FileStream _lock;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _background = [];

    private DevClusterHost(DevClusterOptions options, FileStream stateLock)
    {
        _lock = stateLock;
        var log = options.Logs.CreateLogger("Troupe.DevCluster");
        var time = options.Time;
        Pki = new Pki(Path.Combine(options.StateDirectory, "pki"), options.ExtraHosts);
        _store = new ObjectStore(Path.Combine(options.StateDirectory, "cluster.db"), options.HistoryLength, options.HistoryBytes, log);
        var registry = new ResourceRegistry();
        var tokens = new ServiceAccountTokens(Pki.ServiceAccountKey, _store, time);
        var authenticator = new Authenticator(Pki, tokens);
        var reviews = new Reviews(options.Authorizer, authenticator, tokens, _store);
        var admission = new AdmissionChain([new NamespaceLifecycle(_store), new ServiceAccountDefault(), new PriorityAdmission(_store)], [new NamespaceLifecycle(_store)]);
        var resources = new ResourceService(_store, registry, admission, time);
        var lists = new ListService(_store, time, options.BookmarkInterval, options.WatchQueueLength);
        var pods = new PodSubresources(_store, () => resources, time);
        registry.Set(BuiltinResources.All().Concat(reviews.Definitions()).Select(d =>
            d.Key == ResourceKey.Pods ? d with { Subresources = pods.Definitions }
            : d.Key == ResourceKey.ServiceAccounts ? d with { Subresources = new Dictionary<string, SubresourceDefinition> { ["token"] = reviews.TokenSubresource } }
            : d));
        _aggregator = new ApiAggregator(registry, new ServiceResolver(_store), Pki.FrontProxyClient, log);
        foreach (var crd in _store.State.Table(CustomResources.Table).All())
            CustomResources.Follow(registry, new StoreEvent(StoreEventType.Added, crd, null), log);
        foreach (var service in _store.State.Table(ApiAggregator.Table).All())
            _aggregator.Follow(new StoreEvent(StoreEventType.Added, service, null));
        _store.Committed += e => CustomResources.Follow(registry, e, log);
        _store.Committed += _aggregator.Follow;
        _podLogs = new PodLogs();
        Api = new LocalKubeApi(registry, resources, lists, "devcluster");
        var handler = new ApiHandler(registry, resources, lists, authenticator, options.Authorizer,
            new DiscoveryDocuments(registry, _aggregator), new OpenApiDocuments(registry), _aggregator, _podLogs, time, log);
        _web = Web(options, handler);
        Controller[] controllers =
        [
            new GarbageCollector(_store, registry, new LocalKubeApi(registry, resources, lists, "garbage-collector"), log),
            new NamespaceController(_store, registry, new LocalKubeApi(registry, resources, lists, "namespace-controller"), Pki, log),
            new CrdController(_store, registry, new LocalKubeApi(registry, resources, lists, "crd-controller"), log),
            new TokenController(_store, new LocalKubeApi(registry, resources, lists, "token-controller"), tokens, Pki, log),
            new ApiServiceController(_store, _aggregator, new LocalKubeApi(registry, resources, lists, "apiservice-controller"), time, log),
        ];
        foreach (var controller in controllers)
            controller.Attach();
        Controllers = controllers;
    }

    /// <summary>https://ADDRESS:PORT</summary>
    public string Url { get; private set; } = "";

    /// <summary>Text of an admin kubeconfig (client certificate inside).</summary>
    public string Kubeconfig { get; private set; } = "";

    /// <summary>The same as a file, mode 0600, in the state directory.</summary>
    public string KubeconfigPath { get; private set; } = "";

    public IKubeApi Api { get; }

    /// <summary>Bearer token of kubernetes-admin.</summary>
    public string AdminToken => Pki.AdminToken;

    /// <summary>Client certificate of kubernetes-admin with its key.</summary>
    public X509Certificate2 AdminCertificate => Pki.Admin;

    /// <summary>What the server's certificate is to be verified with.</summary>
    public X509Certificate2 CertificateAuthority => Pki.Authority.Certificate;

    /// <summary>Where <c>kubectl logs</c> reads; set by whoever runs the pods.</summary>
    public IPodLogSource? PodLogs
    {
        get => _podLogs.Source;
        set => _podLogs.Source = value;
    }

    internal Pki Pki { get; }

    internal ObjectStore Store => _store;

    private IReadOnlyList<Controller> Controllers { get; }

    /// <summary>Forgets the history of all resources, so that older watches get 410 Gone, as after an etcd compaction.</summary>
    public void Compact() => _store.Compact();

    /// <summary>The admin kubeconfig at another place, mode 0600.</summary>
    public void WriteKubeconfig(string path) => PrivateFile.Write(path, Kubeconfig);

    /// <exception cref="IOException">Another process uses the state directory.</exception>
    public static async Task<DevClusterHost> StartAsync(DevClusterOptions options, CancellationToken ct = default)
    {
        Directory.CreateDirectory(options.StateDirectory);
        var stateLock = new FileStream(Path.Combine(options.StateDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        DevClusterHost host;
        try
        {
            host = new DevClusterHost(options, stateLock);
        }
        catch
        {
            await stateLock.DisposeAsync();
            throw;
        }
        try
        {
            await host.BootAsync(options, ct);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _web.StopAsync(new CancellationToken(canceled: true));
        await _web.DisposeAsync();
        await Task.WhenAll(_background);
        await _store.DisposeAsync();
        _aggregator.Dispose();
        await _lock.DisposeAsync();
        _stop.Dispose();
    }

    private async Task BootAsync(DevClusterOptions options, CancellationToken ct)
    {
        await FurnishAsync(ct);
        await _web.StartAsync(ct);
        var bound = new Uri(_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var address = options.Address.Equals(IPAddress.Any) || options.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : options.Address;
        Url = $"https://{(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString())}:{bound.Port}";
        Kubeconfig = Pki.Kubeconfig(Url);
        KubeconfigPath = Path.Combine(options.StateDirectory, "kubeconfig");
        PrivateFile.Write(KubeconfigPath, Kubeconfig);
        foreach (var controller in Controllers)
            _background.Add(Task.Run(() => controller.RunAsync(_stop.Token), CancellationToken.None));
    }

    /// <summary>What every cluster has from the start.</summary>
    private async Task FurnishAsync(CancellationToken ct)
    {
        foreach (var name in new[] { "default", "kube-system", "kube-public", "kube-node-lease" })
            await EnsureAsync(ResourceKey.Namespaces, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, ct);
        foreach (var (name, value) in new[] { ("system-cluster-critical", 2_000_000_000L), ("system-node-critical", 2_000_001_000L) })
            await EnsureAsync(ResourceKey.PriorityClasses, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["value"] = value }, ct);
        // Where aggregated servers learn whom to believe about X-Remote-User.
        await EnsureAsync(ResourceKey.ConfigMaps, "kube-system", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "extension-apiserver-authentication" },
            ["data"] = new JsonObject
            {
                ["client-ca-file"] = Pki.Authority.Pem,
                ["requestheader-client-ca-file"] = Pki.FrontProxyAuthority.Pem,
                ["requestheader-allowed-names"] = "[\"front-proxy-client\"]",
                ["requestheader-username-headers"] = "[\"X-Remote-User\"]",
                ["requestheader-group-headers"] = "[\"X-Remote-Group\"]",
                ["requestheader-extra-headers-prefix"] = "[\"X-Remote-Extra-\"]",
            },
        }, ct);
        await EnsureAsync(ResourceKey.Services, "default", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" } },
            ["spec"] = new JsonObject { ["clusterIP"] = "10.96.0.1", ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443 }) },
        }, ct);
    }

    private async Task EnsureAsync(ResourceKey resource, string? ns, JsonObject obj, CancellationToken ct)
    {
        if (_store.State.Table($"{resource.Group}/{resource.Plural}").Find(ns ?? "", (string)obj["metadata"]!["name"]!) is null)
            await Api.CreateAsync(resource, ns, obj, ct);
    }

    private WebApplication Web(DevClusterOptions options, ApiHandler handler)
    {
        // Slim and empty: no configuration files, no content root scan, nothing of the environment but what is asked for.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(options.Logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // The handler limits bodies itself, to answer with a Status.
            kestrel.Limits.MaxRequestBodySize = null;
            // A slow watcher is cut off by its queue, not by its speed.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MaxRequestLineSize = 64 * 1024;
            kestrel.Limits.MaxRequestBufferSize = 1 << 20;
            // One controller's watches all share a connection.
            kestrel.Limits.Http2.MaxStreamsPerConnection = 2000;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Listen(options.Address, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(https =>
                {
                    https.ServerCertificate = Pki.Server;
                    https.ServerCertificateChain = [Pki.Authority.Certificate];
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    // Whom a certificate speaks for is the authenticator's business; a bad one is a 401 and not a broken handshake.
                    https.AllowAnyClientCertificate();
                });
            });
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        var web = builder.Build();
        web.Run(handler.HandleAsync);
        return web;
    }
}
