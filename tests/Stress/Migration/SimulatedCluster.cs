using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.DevCluster;
using Troupe.DevCluster.Api;
using Troupe.EndToEnd.Harness;
using Troupe.Stress.Simulation;

namespace Troupe.Stress.Migration;

/// <summary>A real API server, a real control plane with its journal and real node agents, over simulated hosts. Disposing it leaves nothing.</summary>
public sealed class SimulatedCluster : IAsyncDisposable
{
    public const string Namespace = "default";
    public static readonly ResourceKey Vmis = new("kubevirt.io", "v1", "virtualmachineinstances");
    public static readonly ResourceKey Migrations = new("kubevirt.io", "v1", "virtualmachineinstancemigrations");
    private static readonly ResourceKey KubeVirts = new("kubevirt.io", "v1", "kubevirts");
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(300);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-stress-").FullName;
    private readonly List<Task> _background = [];

    private SimulatedCluster(SimulatedHosts hosts) => Hosts = hosts;

    public SimulatedHosts Hosts { get; }

    public IReadOnlyList<string> Nodes { get; private set; } = [];

    public IKubeApi Api => _server.Api;

    public ControlPlaneProcess ControlPlane { get; private set; } = null!;

    public SimulatedAgents Agents { get; private set; } = null!;

    public SimulatedKubelets Kubelets { get; private set; } = null!;

    /// <summary>The control plane's log, over all its lives.</summary>
    public string Log => Path.Combine(_folder, "controlplane.log");

    internal ObjectCache VmiCache { get; private set; } = null!;

    internal ObjectCache PodCache { get; private set; } = null!;

    internal ObjectCache MigrationCache { get; private set; } = null!;

    private DevClusterHost _server = null!;

    public static async Task<SimulatedCluster> StartAsync(StressOptions options, SimulationTiming timing, Action<string> say)
    {
        var cluster = new SimulatedCluster(new SimulatedHosts(TimeProvider.System, timing));
        try
        {
            await cluster.StartAsync(options, say);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does it again while the API server or a webhook of a control plane that is down refuses.</summary>
    /// <exception cref="ApiException">Refused for good.</exception>
    public async Task<T> InsistAsync<T>(Func<Task<T>> call)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (ApiException e) when (e.Code is 429 or >= 500 && patience.Elapsed < StartPatience)
            {
                await Task.Delay(Retry, _stop.Token);
            }
        }
    }

    /// <param name="dirtyBytesPerSecond">How fast the guest writes to its memory.</param>
    public Task<JsonObject> CreateVmiAsync(string name, long dirtyBytesPerSecond) => InsistAsync(() => Api.CreateAsync(Vmis, Namespace, new JsonObject
    {
        ["apiVersion"] = "kubevirt.io/v1",
        ["kind"] = "VirtualMachineInstance",
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["annotations"] = new JsonObject { [GuestModel.DirtyAnnotation] = $"{dirtyBytesPerSecond}" },
        },
        ["spec"] = JsonNode.Parse("""
            {
              "terminationGracePeriodSeconds": 5,
              "domain": { "memory": { "guest": "256Mi" }, "devices": { "rng": {}, "interfaces": [{ "name": "default", "masquerade": {} }] } },
              "networks": [{ "name": "default", "pod": {} }]
            }
            """),
    }));

    public Task<JsonObject> CreateMigrationAsync(string name, string vmi) => Api.CreateAsync(Migrations, Namespace, new JsonObject
    {
        ["apiVersion"] = "kubevirt.io/v1",
        ["kind"] = "VirtualMachineInstanceMigration",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject { ["vmiName"] = vmi },
    });

    public async Task<bool> HasMigrationAsync(string name)
    {
        try
        {
            await Api.GetAsync(Migrations, Namespace, name);
            return true;
        }
        catch (ApiException e) when (e.Reason is "NotFound")
        {
            return false;
        }
    }

    public async Task DeleteAsync(ResourceKey resource, string name)
    {
        try
        {
            await InsistAsync(() => Api.DeleteAsync(resource, Namespace, name));
        }
        catch (ApiException e) when (e.Reason is "NotFound")
        {
            // It is gone.
        }
    }

    /// <summary>Writes that came over the network, which are the control plane's: kubelets and the stress itself write without it.</summary>
    public async Task<Dictionary<string, double>> WritesAsync() =>
        ApiTraffic.Writes((await Shell.RunAsync("kubectl", ["--kubeconfig", _server.Kubeconfig, "get", "--raw", "/metrics"])).Require());

    public Task CordonAsync(string node, bool cordoned) =>
        Api.PatchAsync(ResourceKey.Nodes, null, node, PatchKind.MergePatch, new JsonObject { ["spec"] = new JsonObject { ["unschedulable"] = cordoned } });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_background);
        if (ControlPlane is not null)
            await ControlPlane.DisposeAsync();
        if (Agents is not null)
            await Agents.DisposeAsync();
        if (Kubelets is not null)
            await Kubelets.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _stop.Dispose();
        if (Environment.GetEnvironmentVariable("TROUPE_KEEP") is null)
            Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(StressOptions options, Action<string> say)
    {
        _server = await DevClusterHost.StartAsync(new DevClusterOptions
        {
            StateDirectory = Path.Combine(_folder, "cluster"),
            // Nobody renews the leases of nodes that are not there.
            NodeMonitorGracePeriod = TimeSpan.FromDays(1),
        });
        ControlPlane = new ControlPlaneProcess(_server.Kubeconfig, Path.Combine(_folder, "controlplane"), Log);
        ControlPlane.Start();
        say("the API server is up; starting control plane, nodes and agents");
        var log = NullLogger.Instance;
        Kubelets = new SimulatedKubelets(Api, Hosts, Path.Combine(_folder, "kubelet"), log);
        Nodes = [.. Enumerable.Range(1, options.Nodes).Select(i => $"node-{i}")];
        foreach (var node in Nodes)
            await Kubelets.RegisterAsync(node);
        Kubelets.Start();
        await Eventually.True("the kinds of KubeVirt", ServesAsync, StartPatience);
        await ConfigureAsync(options);
        var random = new Random(options.Seed + 2);
        Agents = await SimulatedAgents.StartAsync(Hosts, Kubelets.Folders, ControlPlane.ContactPoint,
            Nodes.ToDictionary(n => n, _ => new LinkFaults(random.Next()) { Loss = options.FaultsPerMinute > 0 ? 0.01 : 0, Repetition = options.FaultsPerMinute > 0 ? 0.01 : 0 }));
        VmiCache = Follow(Vmis);
        PodCache = Follow(ResourceKey.Pods);
        MigrationCache = Follow(Migrations);

        ObjectCache Follow(ResourceKey resource)
        {
            var cache = new ObjectCache(Api, resource, log);
            _background.Add(Task.Run(() => cache.RunAsync(_stop.Token)));
            return cache;
        }
    }

    private async Task<bool> ServesAsync()
    {
        try
        {
            foreach (var resource in (ResourceKey[])[Vmis, Migrations, KubeVirts, new("migrations.kubevirt.io", "v1alpha1", "migrationpolicies")])
                await Api.ListAsync(resource);
            return true;
        }
        catch (ApiException)
        {
            return false;
        }
    }

    private async Task ConfigureAsync(StressOptions options)
    {
        await Api.CreateAsync(ResourceKey.Namespaces, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "kubevirt" } });
        await InsistAsync(() => Api.CreateAsync(KubeVirts, "kubevirt", new JsonObject
        {
            ["apiVersion"] = "kubevirt.io/v1",
            ["kind"] = "KubeVirt",
            ["metadata"] = new JsonObject { ["name"] = "kubevirt" },
            ["spec"] = new JsonObject
            {
                ["configuration"] = new JsonObject
                {
                    ["migrations"] = new JsonObject
                    {
                        ["parallelMigrationsPerCluster"] = options.Parallel,
                        ["parallelOutboundMigrationsPerNode"] = options.ParallelPerNode,
                        ["completionTimeoutPerGiB"] = options.CompletionTimeoutPerGiB,
                    },
                },
            },
        }));
    }
}
