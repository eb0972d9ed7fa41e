using System.Net;
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
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Logs;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Scheduling;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster;

/// <summary>
/// A Kubernetes in one process: <c>await using var cluster = await DevClusterHost.StartAsync(new() { StateDirectory = folder });</c>.
/// Many may run side by side. Disposing it leaves pods running; <see cref="NodeFleet.TeardownAsync"/> ends them.
/// </summary>
public sealed class DevClusterHost : IAsyncDisposable
{
    private const long HistoryBytes = 64L << 20;
    private const long MaxBodyBytes = 3L << 20;
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromSeconds(60);
    private static readonly string[] FirstNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _background = [];
    private readonly ObjectStore _store;
    private readonly ApiAggregator _aggregator;
    private readonly WebApplication _app;
    private NodeFleet? _nodes;

    private DevClusterHost(ObjectStore store, ApiAggregator aggregator, WebApplication app, IKubeApi api) =>
        (_store, _aggregator, _app, Api) = (store, aggregator, app, api);

    /// <summary>The API, without HTTP.</summary>
    public IKubeApi Api { get; }

    /// <summary><c>https://127.0.0.1:PORT</c>.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Path of a kubeconfig for an administrator.</summary>
    public string Kubeconfig { get; private set; } = "";

    public static async Task<DevClusterHost> StartAsync(DevClusterOptions options, CancellationToken ct = default)
    {
        Directory.CreateDirectory(options.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var (time, log) = (options.Time, options.Logs.CreateLogger<DevClusterHost>());
        var store = new ObjectStore(Path.Combine(options.StateDirectory, "objects.db"), options.HistoryLength, HistoryBytes, log);
        var pki = new Pki(Path.Combine(options.StateDirectory, "pki"), []);
        var registry = new ResourceRegistry();
        var tokens = new ServiceAccountTokens(pki.ServiceAccountKey, store, time);
        var authenticator = new Authenticator(pki, tokens);
        IAuthorizer authorizer = new AllowAuthenticated();
        var reviews = new Reviews(authorizer, authenticator, tokens, store);
        var admission = new AdmissionChain([new NamespaceLifecycle(store), new ServiceAccountDefault(), new PriorityAdmission(store)], []);
        var resources = new ResourceService(store, registry, admission, time);
        var lists = new ListService(store, time, BookmarkInterval, options.WatchQueueLength);
        var podSubresources = new PodSubresources(store, () => resources, time);
        registry.Set(BuiltinResources.All().Concat(reviews.Definitions()).Select(d => d.Key switch
        {
            { Group: "", Plural: "pods" } => d with { Subresources = podSubresources.Definitions },
            { Group: "", Plural: "serviceaccounts" } => d with { Subresources = new Dictionary<string, SubresourceDefinition> { ["token"] = reviews.TokenSubresource } },
            _ => d,
        }));
        var aggregator = new ApiAggregator(registry, new ServiceResolver(store), pki.FrontProxyClient, log);
        foreach (var crd in store.State.Table(CustomResources.Table).All())
            CustomResources.Follow(registry, new StoreEvent(StoreEventType.Added, crd, null), log);
        foreach (var service in store.State.Table(ApiAggregator.Table).All())
            aggregator.Follow(new StoreEvent(StoreEventType.Added, service, null));
        store.Committed += e =>
        {
            CustomResources.Follow(registry, e, log);
            aggregator.Follow(e);
        };

        var api = new LocalKubeApi(registry, resources, lists, "devcluster");
        var podLogs = new Http.PodLogs();
        var handler = new ApiHandler(registry, resources, lists, authenticator, authorizer, new DiscoveryDocuments(registry, aggregator), new OpenApiDocuments(registry), aggregator, podLogs, time, log);
        var metrics = new RequestMetrics();
        var app = Serve(options, pki, metrics, handler);
        var host = new DevClusterHost(store, aggregator, app, api);
        try
        {
            Controller[] controllers =
            [
                new CrdController(store, registry, api, log), new NamespaceController(store, registry, api, pki, log), new GarbageCollector(store, registry, api, log),
                new TokenController(store, api, tokens, pki, log), new ApiServiceController(store, aggregator, api, time, log),
            ];
            foreach (var controller in controllers)
            {
                controller.Attach();
                host.Run(() => controller.RunAsync(host._stop.Token));
            }

            await FurnishAsync(api, pki, ct);
            await app.StartAsync(ct);
            host.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            host.Kubeconfig = Path.GetFullPath(options.KubeconfigPath ?? Path.Combine(options.StateDirectory, "kubeconfig"));
            WritePrivate(host.Kubeconfig, pki.Kubeconfig(host.Url));
            host.Run(() => SchedulerLoop.RunAsync(api, time, host._stop.Token, log));
            if (options.Nodes > 0)
            {
                host._nodes = await NodeFleet.StartAsync(api, new NodeFleetOptions
                {
                    StateDirectory = options.StateDirectory, Nodes = options.Nodes, ImageStores = options.ImageStores, ApiServer = new Uri(host.Url), Time = time, Logs = options.Logs,
                }, host._stop.Token);
                podLogs.Source = new PodLogSource(api, StateLayout.Of(options.StateDirectory), time);
            }

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
        if (_nodes is not null)
            await _nodes.DisposeAsync();
        await _app.DisposeAsync();
        await Task.WhenAll(_background);
        _aggregator.Dispose();
        await _store.DisposeAsync();
        _stop.Dispose();
    }

    private void Run(Func<Task> work) => _background.Add(Task.Run(async () =>
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The end.
        }
    }));

    private static WebApplication Serve(DevClusterOptions options, Pki pki, RequestMetrics metrics, ApiHandler handler)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            // A watch writes nothing for minutes and that is no fault of its client.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = pki.Server,
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                    // Any certificate may be shown; whose it is and whether we issued it is the authenticator's question.
                    ClientCertificateValidation = (_, _, _) => true,
                });
            });
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(async context =>
        {
            if (context.Request.Path == "/metrics" && context.Connection.ClientCertificate is not null)
            {
                await metrics.ServeAsync(context);
                return;
            }

            await handler.HandleAsync(context);
            metrics.Count(context);
        });
        return app;
    }

    /// <summary>What every cluster has from the start.</summary>
    private static async Task FurnishAsync(LocalKubeApi api, Pki pki, CancellationToken ct)
    {
        foreach (var name in FirstNamespaces)
            await EnsureAsync(api, ResourceKey.Namespaces, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, ct);
        await EnsureAsync(api, ResourceKey.ConfigMaps, "kube-system", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "extension-apiserver-authentication" },
            ["data"] = new JsonObject
            {
                ["client-ca-file"] = pki.Authority.Pem,
                ["requestheader-client-ca-file"] = pki.FrontProxyAuthority.Pem,
                ["requestheader-allowed-names"] = "[\"front-proxy-client\"]",
                ["requestheader-username-headers"] = "[\"X-Remote-User\"]",
                ["requestheader-group-headers"] = "[\"X-Remote-Group\"]",
                ["requestheader-extra-headers-prefix"] = "[\"X-Remote-Extra-\"]",
            },
        }, ct);
    }

    private static async Task EnsureAsync(LocalKubeApi api, ResourceKey resource, string? ns, JsonObject obj, CancellationToken ct)
    {
        try
        {
            await api.CreateAsync(resource, ns, obj, ct);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            // From an earlier run.
        }
    }

    private static void WritePrivate(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".tmp";
        File.WriteAllText(temporary, text);
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(temporary, path, overwrite: true);
    }
}
