using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Registration;

namespace Troupe.Stress.Simulation;

/// <summary>The kubelets of all simulated nodes: a launcher pod is a <see cref="SimulatedLauncher"/> and a folder.</summary>
public sealed class SimulatedKubelets : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);
    private readonly IKubeApi _api;
    private readonly SimulatedHosts _hosts;
    private readonly string _root;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, PodRun> _pods = new(StringComparer.Ordinal);
    private int _addresses;

    public SimulatedKubelets(IKubeApi api, SimulatedHosts hosts, string root, ILogger log)
    {
        (_api, _hosts, _root, _log) = (api, hosts, root, log);
        hosts.Ended += OnEnded;
    }

    /// <summary>Pods of which something is left on a node.</summary>
    public int Pods => _pods.Count;

    public PodFolders Folders(string node) => new(Path.Combine(_root, node));

    /// <summary>Folders of pods that are left on any node.</summary>
    public int LeftFolders(IEnumerable<string> nodes) => nodes.Sum(n => Folders(n).LauncherPods().Count);

    public async Task RegisterAsync(string node)
    {
        var capabilities = new NodeCapabilities(HasKvm: false, "9.0.0", "7.2.0", ["q35", "pc-q35-7.2", "pc"], ["qemu64"], "qemu64", "AMD", []);
        var labels = new JsonObject { ["kubernetes.io/hostname"] = node, ["kubernetes.io/os"] = "linux", ["kubernetes.io/arch"] = "amd64" };
        foreach (var (key, value) in NodeLabels.Wanted(capabilities, schedulable: true))
            labels[key] = value;
        await _api.CreateAsync(ResourceKey.Nodes, null, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = node, ["labels"] = labels },
        });
        JsonObject Resources() => new() { ["cpu"] = "256", ["memory"] = "1Ti", ["ephemeral-storage"] = "10Ti", ["pods"] = "1000", [DeviceResources.Tun] = "1000", [DeviceResources.Kvm] = "1000", [DeviceResources.VhostNet] = "1000" };
        await _api.PatchAsync(ResourceKey.Nodes, null, node, PatchKind.StrategicMerge, new JsonObject
        {
            ["status"] = new JsonObject { ["capacity"] = Resources(), ["allocatable"] = Resources(), ["conditions"] = new JsonArray(Condition("Ready", "KubeletReady")) },
        }, "status");
    }

    public void Start() => _ = Task.Run(FollowAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _hosts.Ended -= OnEnded;
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            await foreach (var e in ObjectFeed.ReadAsync(_api, ResourceKey.Pods, _log, _hosts.Time, _stop.Token))
            {
                if (e is FeedEvent.Present { Object: var pod } && (string?)pod["spec"]?["nodeName"] is { } node)
                    OnPod(pod, node);
                else if (e is FeedEvent.Gone { LastKnown: var last } && _pods.TryRemove((string)last["metadata"]!["uid"]!, out var run))
                    Remove(run);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The end.
        }
    }

    private void OnPod(JsonObject pod, string node)
    {
        var metadata = pod["metadata"]!;
        var uid = (string)metadata["uid"]!;
        var deleting = metadata["deletionTimestamp"] is not null;
        if (!_pods.TryGetValue(uid, out var run))
        {
            if ((string?)pod["status"]?["phase"] is "Succeeded" or "Failed" || (string?)metadata["labels"]?[Labels.CreatedBy] is not { } vmi)
                return;
            run = _pods[uid] = new PodRun(uid, (string)metadata["namespace"]!, (string)metadata["name"]!, node, vmi, TimeSpan.FromSeconds((long?)pod["spec"]!["terminationGracePeriodSeconds"] ?? 30));
            if (!deleting)
                _ = RunAsync(run);
        }

        if (!deleting || run.IsDeleting)
            return;
        run.IsDeleting = true;
        if (_hosts.Launchers.TryGetValue(uid, out var launcher))
            launcher.Terminate();
        else if (!run.IsStarting)
            _ = DeleteAsync(run);
    }

    private async Task RunAsync(PodRun run)
    {
        run.IsStarting = true;
        await Task.Delay(StartTime, _hosts.Time).ConfigureAwait(false);
        var number = Interlocked.Increment(ref _addresses);
        var address = $"10.{128 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}";
        Directory.CreateDirectory(Folders(run.Node).Sockets(run.Uid));
        var launcher = _hosts.Start(run.Node, run.Uid, run.Vmi, address, run.Grace);
        run.IsStarting = false;
        if (run.IsDeleting)
            launcher.Terminate();
        await PatchStatusAsync(run, new JsonObject
        {
            ["phase"] = "Running",
            ["podIP"] = address,
            ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
            ["conditions"] = new JsonArray(Condition("Initialized"), Condition("ContainersReady"), Condition("Ready")),
            ["containerStatuses"] = new JsonArray(Container(run, new JsonObject { ["running"] = new JsonObject { ["startedAt"] = Stamp() } }, ready: true)),
        }).ConfigureAwait(false);
    }

    private void OnEnded(SimulatedLauncher launcher, int code, string why)
    {
        if (_pods.TryGetValue(launcher.PodUid, out var run))
            _ = EndAsync(run, code, why);
    }

    private async Task EndAsync(PodRun run, int code, string why)
    {
        await PatchStatusAsync(run, new JsonObject
        {
            ["phase"] = code == 0 ? "Succeeded" : "Failed",
            ["containerStatuses"] = new JsonArray(Container(run, new JsonObject { ["terminated"] = new JsonObject { ["exitCode"] = code, ["reason"] = code == 0 ? "Completed" : "Error", ["message"] = why } }, ready: false)),
        }).ConfigureAwait(false);
        if (run.IsDeleting)
            await DeleteAsync(run).ConfigureAwait(false);
    }

    private Task PatchStatusAsync(PodRun run, JsonObject status) => TryAsync(() =>
        _api.PatchAsync(ResourceKey.Pods, run.Namespace, run.Name, PatchKind.StrategicMerge, new JsonObject { ["metadata"] = new JsonObject { ["uid"] = run.Uid }, ["status"] = status.DeepClone() }, "status", _stop.Token));

    private Task DeleteAsync(PodRun run) => TryAsync(() =>
        _api.DeleteAsync(ResourceKey.Pods, run.Namespace, run.Name, new JsonObject { ["gracePeriodSeconds"] = 0, ["preconditions"] = new JsonObject { ["uid"] = run.Uid } }, _stop.Token));

    /// <summary>The API server may refuse for the moment; a pod that is gone needs nothing any more.</summary>
    private async Task TryAsync(Func<Task> call)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await call().ConfigureAwait(false);
                return;
            }
            catch (ApiException e) when (e.Reason is "NotFound" or "Conflict")
            {
                return;
            }
            catch (ApiException e)
            {
                _log.LogWarning("a pod's status was refused: {Error}", e.Message);
                await Task.Delay(Retry, _hosts.Time).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Remove(PodRun run)
    {
        if (_hosts.Launchers.TryGetValue(run.Uid, out var launcher))
            launcher.Kill();
        var folder = Path.Combine(Folders(run.Node).Root, "pods", run.Uid);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private JsonObject Container(PodRun run, JsonObject state, bool ready) => new()
    {
        ["name"] = "compute",
        ["image"] = "simulated",
        ["imageID"] = "simulated",
        ["ready"] = ready,
        ["restartCount"] = 0,
        ["containerID"] = $"simulated://{run.Uid}",
        ["state"] = state,
    };

    private JsonObject Condition(string type, string? reason = null)
    {
        var condition = new JsonObject { ["type"] = type, ["status"] = "True", ["lastTransitionTime"] = Stamp() };
        if (reason is not null)
            condition["reason"] = reason;
        return condition;
    }

    private string Stamp() => _hosts.Time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private sealed class PodRun(string uid, string ns, string name, string node, string vmi, TimeSpan grace)
    {
        public string Uid => uid;

        public string Namespace => ns;

        public string Name => name;

        public string Node => node;

        public string Vmi => vmi;

        public TimeSpan Grace => grace;

        public volatile bool IsStarting;
        public volatile bool IsDeleting;
    }
}
