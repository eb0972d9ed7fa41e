using System.Net;
using System.Text.Json;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Dns;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Nodes;

/// <summary>The simulated nodes of a cluster. Disposing stops minding the pods but leaves them running; <see cref="TeardownAsync"/> ends them.</summary>
public sealed class NodeFleet : IAsyncDisposable
{
    private readonly CancellationTokenSource stop;
    private readonly RuncRuntime runtime;
    private readonly Dictionary<string, NodeServices> nodes = [];
    private readonly Dictionary<string, NodeRegistration> registrations = [];
    private readonly Dictionary<string, PodWorker> workers = [];

    /// <summary>Every pod that has one of these nodes, so that a kubelet that starts again knows its pods.</summary>
    private readonly Dictionary<string, Pod> pods = [];

    /// <summary>One per running kubelet.</summary>
    private readonly Dictionary<string, CancellationTokenSource> kubelets = [];
    private readonly List<Task> tasks = [];
    private readonly ILogger log;
    private volatile bool synced;

    private NodeFleet(RuncRuntime runtime, ILogger log, CancellationToken ct)
    {
        (this.runtime, this.log) = (runtime, log);
        stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
    }

    internal static async Task<NodeFleet> StartAsync(IKubeApi api, VolumeStore volumes, NodeFleetOptions options, CancellationToken ct = default)
    {
        var layout = StateLayout.Of(options.StateDirectory);
        var log = options.Logs.CreateLogger<NodeFleet>();
        options = options with { Kvm = options.Kvm ?? await KvmProbe.WorksAsync(ct) };
        var identity = await ClusterNetwork.ClaimAsync(layout, options.Nodes, ct);
        var fleet = new NodeFleet(new RuncRuntime(layout, options.Time, log), log, ct);
        var images = new ImageStore(layout, options.ImageStores, options.InsecureRegistries, options.Logs.CreateLogger<ImageStore>());
        for (var number = 1; number <= options.Nodes; number++)
        {
            var registration = new NodeRegistration(api, options, identity, number);
            await registration.RegisterAsync(ct);
            Directory.CreateDirectory(layout.Pods(registration.Name));
            fleet.nodes[registration.Name] = new NodeServices(registration.Name, api, layout, identity, fleet.runtime, images, new PodNetwork(identity, number), new ClaimVolumes(api, volumes, registration.Name), new HandlerRunner(fleet.runtime, options.Time),
                new BundleFactory(identity.CgroupRoot, new ContainerEnvironment(api), options.ApiServer),
                new EventRecorder(api, "kubelet", registration.Name, options.Time, log), new CrashBackOff(options.InitialBackOff),
                NodeRegistration.Capacity(options), options.Time, log);
            fleet.registrations[registration.Name] = registration;
            fleet.StartKubelet(registration.Name);
        }

        var proxy = new ServiceProxy(api, identity, options.Nodes, options.ApiServer, options.Time, log);
        var dns = new DnsServer([.. Enumerable.Range(1, options.Nodes).Select(node => IPAddress.Parse(identity.Gateway(node)))], () => proxy.Zone, log);
        fleet.Background(() => proxy.RunAsync(fleet.stop.Token), "the service proxy");
        fleet.Background(() => dns.RunAsync(fleet.stop.Token), "the DNS server");
        fleet.tasks.Add(Task.Run(() => fleet.FollowPodsAsync(api, options.Time), CancellationToken.None));
        var kept = new KeptAddresses(api, identity, number => fleet.nodes.GetValueOrDefault($"node-{number}")?.Network, options.Time, log);
        fleet.tasks.Add(Task.Run(() => kept.RunAsync(fleet.stop.Token), CancellationToken.None));
        return fleet;
    }

    /// <summary>A node's kubelet stops, as if it had crashed: no heartbeat, nobody minds the pods, which run on.</summary>
    public async Task StopKubeletAsync(string node)
    {
        CancellationTokenSource? kubelet;
        List<PodWorker> own;
        lock (workers)
        {
            if (!kubelets.Remove(node, out kubelet)) return;
            own = [.. workers.Values.Where(worker => worker.Node == node)];
        }
        await kubelet.CancelAsync();
        await Task.WhenAll(own.Select(worker => worker.Ended));
        kubelet.Dispose();
    }

    /// <summary>The kubelet comes back and takes over what it finds.</summary>
    public void StartKubelet(string node)
    {
        var registration = registrations[node];
        var kubelet = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        lock (workers)
        {
            if (!kubelets.TryAdd(node, kubelet)) return;
            tasks.Add(Task.Run(() => registration.RenewLeaseAsync(kubelet.Token), CancellationToken.None));
            foreach (var pod in pods.Values.Where(pod => pod.Spec.NodeName == node)) Start(nodes[node], pod);
        }
        // Before the first list is complete every pod would look like an orphan.
        if (synced) CleanOrphans(node);
    }

    /// <summary>Removes everything that nodes have made on this machine, from the state directory alone.</summary>
    public static async Task TeardownAsync(NodeFleetOptions options)
    {
        var layout = StateLayout.Of(options.StateDirectory);
        if (ClusterIdentity.Load(layout) is not { } identity) return;
        using var runtime = new RuncRuntime(layout, options.Time, options.Logs.CreateLogger<NodeFleet>());
        var pods = Directory.EnumerateDirectories(layout.Kubelet).Select(n => $"{n}/pods").Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories).ToList();
        foreach (var run in Runs(pods)) await runtime.DeleteAsync(run.Id);
        foreach (var pid in ControlGroups.Processes(identity.CgroupRoot)) Native.Kill(pid, 9);
        foreach (var mount in MountTable.Below(layout.Root)) Native.Unmount(mount);
        foreach (var pod in pods) new Attachments(layout.Attachments).Release(Path.GetFileName(pod));
        await LoopDevices.DetachBelowAsync(layout.Root);
        await ServiceProxy.RemoveAsync(identity);
        await ClusterNetwork.RemoveAsync(layout, identity);
        await RemoveControlGroupAsync(identity.CgroupRoot);
        foreach (var pod in pods) Directory.Delete(pod, recursive: true);
        foreach (var exit in Directory.EnumerateFiles(layout.Exits)) File.Delete(exit);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        try
        {
            await Task.WhenAll(tasks);
        }
        catch (OperationCanceledException)
        {
            // That is how they end.
        }

        runtime.Dispose();
        stop.Dispose();
    }

    private static IEnumerable<ContainerRun> Runs(IEnumerable<string> pods) => pods.Select(p => $"{p}/containers").Where(Directory.Exists)
        .SelectMany(Directory.EnumerateDirectories).SelectMany(Directory.EnumerateDirectories).Select(ContainerRun.Load).OfType<ContainerRun>();

    /// <summary>A cgroup is busy until the last killed process is reaped, which an init of a sandbox may take seconds for.</summary>
    private static async Task RemoveControlGroupAsync(string path)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            ControlGroups.Remove(path);
            if (!ControlGroups.Exists(path)) return;
            await Task.Delay(100);
        }
    }

    /// <summary>Pods run without it; its failure is told and is no reason to stop.</summary>
    private void Background(Func<Task> work, string what) => tasks.Add(Task.Run(async () =>
    {
        try
        {
            await work();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "{What} ended", what);
        }
    }, CancellationToken.None));

    private async Task FollowPodsAsync(IKubeApi api, TimeProvider time)
    {
        await foreach (var e in ObjectFeed.ReadAsync(api, ResourceKey.Pods, log, time, stop.Token))
        {
            switch (e)
            {
                case FeedEvent.Present present:
                    Present(KubeJson.Read<Pod>(present.Object));
                    break;
                case FeedEvent.Gone gone:
                    lock (workers)
                    {
                        var uid = KubeJson.Read<Pod>(gone.LastKnown).Uid;
                        pods.Remove(uid);
                        workers.GetValueOrDefault(uid)?.Vanish();
                    }
                    break;
                case FeedEvent.Synced when !synced:
                    synced = true;
                    foreach (var node in nodes.Keys) CleanOrphans(node);
                    break;
            }
        }
    }

    private void Present(Pod pod)
    {
        if (!nodes.TryGetValue(pod.Spec.NodeName, out var node)) return;
        PodWorker? worker;
        lock (workers)
        {
            pods[pod.Uid] = pod;
            if (!kubelets.ContainsKey(node.Node)) return;
            if (!workers.TryGetValue(pod.Uid, out worker)) worker = Start(node, pod);
        }

        worker.Update(pod);
    }

    private PodWorker Start(NodeServices node, Pod pod)
    {
        var worker = workers[pod.Uid] = new PodWorker(node, pod, kubelets[node.Node].Token);
        worker.Ended = Task.Run(async () =>
        {
            try
            {
                await worker.RunAsync();
            }
            catch (Exception failure)
            {
                log.LogError(failure, "the worker of pod {Pod} failed", pod.Key);
            }
            finally
            {
                lock (workers)
                {
                    if (workers.GetValueOrDefault(pod.Uid) == worker) workers.Remove(pod.Uid);
                }
            }
        }, CancellationToken.None);
        return worker;
    }

    /// <summary>Pods whose objects vanished while no kubelet ran leave their directories; they are ended like any other.</summary>
    private void CleanOrphans(string name)
    {
        if (!nodes.TryGetValue(name, out var node)) return;
        foreach (var directory in Directory.EnumerateDirectories(node.Layout.Pods(node.Node)))
        {
            var uid = Path.GetFileName(directory);
            lock (workers)
            {
                if (!kubelets.ContainsKey(name) || workers.ContainsKey(uid) || !File.Exists($"{directory}/sandbox.json")) continue;
                var record = JsonSerializer.Deserialize(File.ReadAllText($"{directory}/sandbox.json"), NodeFiles.Default.SandboxRecord)!;
                var containers = Directory.Exists($"{directory}/containers") ? Directory.EnumerateDirectories($"{directory}/containers").Select(c => new Container { Name = Path.GetFileName(c) }).ToList() : [];
                var orphan = new Pod { Metadata = new ObjectMeta { Name = record.Name, Namespace = record.Namespace, Uid = uid }, Spec = new PodSpec { NodeName = node.Node, Containers = containers } };
                Start(node, orphan).Vanish();
            }
        }
    }
}
