using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Troupe.DevCluster.Admission;
using Troupe.DevCluster.Admission.Quotas;
using Troupe.DevCluster.Admission.Webhooks;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Controllers;
using Troupe.DevCluster.Controllers.Disruption;
using Troupe.DevCluster.Controllers.NodeLifecycle;
using Troupe.DevCluster.Controllers.Services;
using Troupe.DevCluster.Controllers.Storage;
using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Discovery;
using Troupe.DevCluster.Http;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Logs;
using Troupe.DevCluster.Nodes.Streaming;
using Troupe.DevCluster.Nodes.Volumes;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Scheduling;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Security.Rbac;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster;

/// <summary>
/// A Kubernetes in one process: <c>await using var cluster = await DevClusterHost.StartAsync(new() { StateDirectory = folder });</c>.
/// Many may run side by side. Disposing it leaves pods running; <see cref="NodeFleet.TeardownAsync"/> ends them.
/// </summary>
public sealed class DevClusterHost : IAsyncDisposable
{
    private static readonly string[] FirstNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _background = [];
    private readonly ObjectStore _store;
    private readonly ApiAggregator _aggregator;
    private readonly WebhookClient _webhooks;
    private readonly WebApplication _app;
    private readonly Pki _pki;
    private readonly FileStream _lock;
    private NodeFleet? _nodes;

    private DevClusterHost(FileStream stateLock, ObjectStore store, Pki pki, ApiAggregator aggregator, WebhookClient webhooks, WebApplication app, IKubeApi api) =>
        (_lock, _store, _pki, _aggregator, _webhooks, _app, Api) = (stateLock, store, pki, aggregator, webhooks, app, api);

    /// <summary>The API, without HTTP.</summary>
    public IKubeApi Api { get; }

    /// <summary><c>https://ADDRESS:PORT</c>.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Path of a kubeconfig for an administrator.</summary>
    public string Kubeconfig { get; private set; } = "";

    /// <summary>Bearer token of kubernetes-admin, for clients that can't show a certificate.</summary>
    public string AdminToken => _pki.AdminToken;

    /// <summary>Client certificate of kubernetes-admin with its key.</summary>
    public X509Certificate2 AdminCertificate => _pki.Admin;

    /// <summary>What the server's certificate is to be verified with.</summary>
    public X509Certificate2 CertificateAuthority => _pki.Authority.Certificate;

    /// <summary>The simulated nodes; null when the cluster has none.</summary>
    public NodeFleet? Nodes => _nodes;

    /// <summary>Forgets the history of all resources, so that older watches get 410 Gone, as after a compaction of etcd.</summary>
    public void Compact() => _store.Compact();

    /// <exception cref="IOException">Another process uses the state directory.</exception>
    public static async Task<DevClusterHost> StartAsync(DevClusterOptions options, CancellationToken ct = default)
    {
        Directory.CreateDirectory(options.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var stateLock = new FileStream(Path.Combine(options.StateDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var (time, log) = (options.Time, options.Logs.CreateLogger<DevClusterHost>());
        var store = new ObjectStore(Path.Combine(options.StateDirectory, "objects.db"), options.HistoryLength, options.HistoryBytes, log);
        var pki = new Pki(Path.Combine(options.StateDirectory, "pki"), options.ExtraHosts);
        var registry = new ResourceRegistry();
        var tokens = new ServiceAccountTokens(pki.ServiceAccountKey, store, time);
        var authenticator = new Authenticator(pki, tokens);
        var policy = new RbacPolicy(store);
        var authorizer = new RbacAuthorizer(policy);
        var reviews = new Reviews(authorizer, policy, authenticator, tokens, store);
        var resolver = new ServiceResolver(store);
        var webhookClient = new WebhookClient(resolver, time);
        var reservations = new QuotaReservations(time);
        var webhooks = new WebhookCalls(store, registry, webhookClient, authorizer, log);
        var admission = new AdmissionChain(
            [new NamespaceLifecycle(store), new TerminatingCrds(store), new ServiceAccountDefault(store, time), new LimitDefaults(store), new PriorityAdmission(store), new MutatingWebhooks(webhooks)],
            [new NamespaceLifecycle(store), new ValidatingWebhooks(webhooks), new EscalationCheck(policy, authorizer), new LimitBounds(store), new QuotaAdmission(store, reservations)]);
        var resources = new ResourceService(store, registry, admission, time);
        var lists = new ListService(store, time, options.BookmarkInterval, options.WatchQueueLength);
        var podSubresources = new PodSubresources(store, () => resources, time);
        registry.Set(BuiltinResources.All().Concat(reviews.Definitions()).Select(d => d.Key switch
        {
            { Group: "", Plural: "pods" } => d with { Subresources = podSubresources.Definitions },
            { Group: "", Plural: "serviceaccounts" } => d with { Subresources = new Dictionary<string, SubresourceDefinition> { ["token"] = reviews.TokenSubresource } },
            _ => d,
        }));
        var aggregator = new ApiAggregator(registry, resolver, pki.FrontProxyClient, log);
        foreach (var crd in store.State.Table(CustomResources.Table).All())
            CustomResources.Follow(registry, webhookClient, new StoreEvent(StoreEventType.Added, crd, null), log);
        foreach (var service in store.State.Table(ApiAggregator.Table).All())
            aggregator.Follow(new StoreEvent(StoreEventType.Added, service, null));
        store.Committed += e =>
        {
            CustomResources.Follow(registry, webhookClient, e, log);
            aggregator.Follow(e);
        };

        LocalKubeApi Local(string manager) => new(registry, resources, lists, manager);
        var api = Local("devcluster");
        var podLogs = new Http.PodLogs();
        var metrics = new RequestMetrics();
        var handler = new ApiHandler(registry, resources, lists, authenticator, authorizer, new DiscoveryDocuments(registry, aggregator), new OpenApiDocuments(registry, aggregator), aggregator, podLogs, metrics, time, log);
        var volumes = new VolumeStore(StateLayout.Of(options.StateDirectory));
        var app = Serve(options, pki, metrics, handler);
        var host = new DevClusterHost(stateLock, store, pki, aggregator, webhookClient, app, api);
        try
        {
            Controller[] controllers =
            [
                new CrdController(store, registry, Local("crd-controller"), log), new NamespaceController(store, registry, new AggregatedContent(aggregator), Local("namespace-controller"), pki, time, log),
                new GarbageCollector(store, registry, Local("garbage-collector"), log), new TokenController(store, Local("token-controller"), tokens, pki, log),
                new ClusterRoleAggregation(store, Local("clusterrole-aggregation-controller"), log),
                new LocalApiServices(store, registry, Local("autoregister-controller"), log),
                new QuotaController(store, Local("resourcequota-controller"), reservations, log),
                new ApiServiceController(store, aggregator, Local("apiservice-controller"), time, log),
                new DisruptionController(store, Local("disruption-controller"), time, log),
                new NodeLifecycleController(store, Local("node-controller"), options.NodeMonitorGracePeriod, time, log),
                new ReplicaSetController(store, Local("replicaset-controller"), time, log), new DeploymentController(store, Local("deployment-controller"), time, log),
                new DaemonSetController(store, Local("daemonset-controller"), time, log), new StatefulSetController(store, Local("statefulset-controller"), time, log),
                new EndpointsController(store, Local("endpoint-controller"), time, log),
                new JobController(store, Local("job-controller"), time, log), new CronJobController(store, Local("cronjob-controller"), time, log),
                new StorageController(store, Local("persistentvolume-controller"), volumes, time, log),
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
            host.Run(() => new SchedulerLoop(Local("kube-scheduler"), time, log).RunAsync(host._stop.Token));
            if (options.Nodes > 0)
            {
                host._nodes = await NodeFleet.StartAsync(api, volumes, new NodeFleetOptions
                {
                    StateDirectory = options.StateDirectory,
                    Nodes = options.Nodes,
                    ImageStores = options.ImageStores,
                    ApiServer = new Uri(host.Url),
                    Time = time,
                    Logs = options.Logs,
                }, host._stop.Token);
                podSubresources.Streaming = new PodStreaming(StateLayout.Of(options.StateDirectory), log);
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
        _webhooks.Dispose();
        await _store.DisposeAsync();
        await _lock.DisposeAsync();
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
        // Empty: no configuration files and no environment; a cluster is what its options say.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // The handler limits bodies itself, to answer with a Status.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            // A watch writes nothing for minutes and that is no fault of its client; one that doesn't read is cut off by its queue.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestLineSize = 64 * 1024;
            // All watches of one controller share a connection.
            kestrel.Limits.Http2.MaxStreamsPerConnection = 2000;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Listen(options.Address, options.Port, listen =>
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
        app.Run(async context =>
        {
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
        foreach (var (name, value) in new[] { ("system-cluster-critical", 2_000_000_000L), ("system-node-critical", 2_000_001_000L) })
            await EnsureAsync(api, ResourceKey.PriorityClasses, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["value"] = value }, ct);
        foreach (var storageClass in StorageClasses.BuiltIn)
            await EnsureAsync(api, ResourceKey.StorageClasses, null, storageClass(), ct);
        await EnsureAsync(api, ResourceKey.Services, "default", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" } },
            ["spec"] = new JsonObject { ["clusterIP"] = "10.96.0.1", ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443 }) },
        }, ct);
        await Task.WhenAll(BootstrapPolicy.All().Select(p => EnsureAsync(api, p.Key, p.Namespace, p.Object, ct)));
        // Where aggregated servers learn whom to believe about X-Remote-User.
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
