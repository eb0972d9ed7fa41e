using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The Node object and its lease.</summary>
internal sealed class NodeRegistration(IKubeApi api, NodeFleetOptions options, ClusterIdentity identity, int number)
{
    private static readonly TimeSpan LeaseInterval = TimeSpan.FromSeconds(10);

    public string Name { get; } = $"node-{number}";

    public static IReadOnlyDictionary<string, Quantity> Capacity(NodeFleetOptions options)
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var capacity = new Dictionary<string, Quantity>
        {
            // Simulated nodes share one machine, and a test cluster is for trying things out: more virtual CPUs than there are.
            ["cpu"] = new(Math.Max(8, Environment.ProcessorCount)),
            ["memory"] = new(memory),
            ["ephemeral-storage"] = new(new DriveInfo(Path.GetFullPath(options.StateDirectory)).TotalSize),
            ["pods"] = new(110),
        };
        if (File.Exists("/dev/net/tun")) capacity["devices.kubevirt.io/tun"] = new(1000);
        // Zero rather than absent: a node that was registered when KVM worked must take its offer back.
        capacity["devices.kubevirt.io/kvm"] = new(options.HasKvm ? 1000 : 0);
        if (File.Exists("/dev/vhost-net")) capacity["devices.kubevirt.io/vhost-net"] = new(1000);
        foreach (var (name, value) in options.Capacity) capacity[name] = value;
        return capacity;
    }

    public async Task RegisterAsync(CancellationToken ct)
    {
        var labels = new JsonObject
        {
            ["kubernetes.io/hostname"] = Name,
            ["kubernetes.io/os"] = "linux",
            ["beta.kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = Architecture,
            ["beta.kubernetes.io/arch"] = Architecture,
        };
        foreach (var (key, value) in options.NodeLabels) labels[key] = value;
        try
        {
            await api.CreateAsync(ResourceKey.Nodes, null, new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Node",
                ["metadata"] = new JsonObject { ["name"] = Name, ["labels"] = labels },
                ["spec"] = new JsonObject { ["podCIDR"] = identity.PodCidr(number) },
            }, ct);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            await api.PatchAsync(ResourceKey.Nodes, null, Name, PatchKind.MergePatch, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = labels.DeepClone() } }, ct: ct);
        }

        await api.PatchAsync(ResourceKey.Nodes, null, Name, PatchKind.StrategicMerge, new JsonObject { ["status"] = Status() }, "status", ct);
    }

    public async Task RenewLeaseAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await RepairStatusAsync(ct);
            var spec = new JsonObject { ["holderIdentity"] = Name, ["leaseDurationSeconds"] = 40, ["renewTime"] = KubeJson.MicroTime(options.Time.GetUtcNow()) };
            try
            {
                await api.PatchAsync(new ResourceKey("coordination.k8s.io", "v1", "leases"), "kube-node-lease", Name, PatchKind.Apply, new JsonObject
                {
                    ["apiVersion"] = "coordination.k8s.io/v1",
                    ["kind"] = "Lease",
                    ["metadata"] = new JsonObject { ["name"] = Name, ["namespace"] = "kube-node-lease" },
                    ["spec"] = spec,
                }, ct: ct);
            }
            catch (ApiException) when (!ct.IsCancellationRequested)
            {
                // The next renewal is ten seconds away, and nobody reads this lease sooner.
            }

            await Task.Delay(LeaseInterval, options.Time, ct);
        }
    }

    /// <summary>Says again that the node is ready where somebody has noted otherwise, and offers resources that were added to its capacity.</summary>
    private async Task RepairStatusAsync(CancellationToken ct)
    {
        try
        {
            var node = KubeJson.Read<Node>(await api.GetAsync(ResourceKey.Nodes, null, Name, ct));
            if (node.Status.Conditions.Find(c => c.Type == "Ready")?.Status != "True")
                await api.PatchAsync(ResourceKey.Nodes, null, Name, PatchKind.StrategicMerge, new JsonObject { ["status"] = Status() }, "status", ct);
            var added = node.Status.Capacity.Where(resource => !node.Status.Allocatable.ContainsKey(resource.Key)).ToList();
            if (added.Count == 0) return;
            var allocatable = new JsonObject(added.Select(resource => KeyValuePair.Create(resource.Key, (JsonNode?)resource.Value.ToString())));
            await api.PatchAsync(ResourceKey.Nodes, null, Name, PatchKind.StrategicMerge, new JsonObject { ["status"] = new JsonObject { ["allocatable"] = allocatable } }, "status", ct);
        }
        catch (ApiException) when (!ct.IsCancellationRequested)
        {
            // The next heartbeat tries again.
        }
    }

    private static string Architecture => RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private JsonObject Status()
    {
        var now = KubeJson.Time(options.Time.GetUtcNow());
        return new JsonObject
        {
            ["capacity"] = Quantities(),
            ["allocatable"] = Quantities(),
            ["conditions"] = new JsonArray(
                Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                Condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")),
            ["addresses"] = new JsonArray(
                new JsonObject { ["type"] = "InternalIP", ["address"] = identity.Gateway(number) },
                new JsonObject { ["type"] = "Hostname", ["address"] = Name }),
            ["nodeInfo"] = new JsonObject
            {
                ["architecture"] = Architecture,
                ["operatingSystem"] = "linux",
                ["kernelVersion"] = Environment.OSVersion.Version.ToString(3),
                ["osImage"] = RuntimeInformation.OSDescription,
                ["containerRuntimeVersion"] = "runc://1",
                ["kubeletVersion"] = "v1.33.0-devcluster",
                ["kubeProxyVersion"] = "",
                ["machineID"] = identity.Id,
                ["systemUUID"] = identity.Id,
                ["bootID"] = identity.Id,
            },
        };

        JsonObject Condition(string type, string status, string reason, string message) =>
            new() { ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message, ["lastHeartbeatTime"] = now, ["lastTransitionTime"] = now };

        JsonObject Quantities() => new(Capacity(options).Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value.ToString())));
    }
}
