using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Tests.Controllers;

/// <summary>
/// Stands in for the nodes of a cluster that has none: nodes that are ready, with heartbeats, on which bound pods run at once and
/// deleted pods are gone at once.
/// </summary>
internal sealed class StandInKubelet : IAsyncDisposable
{
    private readonly IKubeApi _api;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;
    private readonly HashSet<string> _held = [];
    private int _address;

    private StandInKubelet(IKubeApi api)
    {
        _api = api;
        _work = Task.Run(FollowAsync);
    }

    /// <summary>Whether a pod becomes ready; asked once, when it was bound.</summary>
    public Func<JsonObject, bool> Ready { get; set; } = _ => true;

    public static async Task<StandInKubelet> StartAsync(IKubeApi api, params string[] nodes)
    {
        foreach (var node in nodes) await RegisterAsync(api, node);
        return new StandInKubelet(api);
    }

    public static async Task RegisterAsync(IKubeApi api, string node)
    {
        await api.CreateAsync(ResourceKey.Nodes, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = node, ["labels"] = new JsonObject { ["kubernetes.io/hostname"] = node } } });
        JsonObject Amounts() => new() { ["cpu"] = "8", ["memory"] = "8Gi", ["pods"] = "110" };
        await api.PatchAsync(ResourceKey.Nodes, null, node, PatchKind.MergePatch, new JsonObject
        {
            ["status"] = new JsonObject { ["capacity"] = Amounts(), ["allocatable"] = Amounts(), ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" }) },
        }, "status");
    }

    public static Task HeartbeatAsync(IKubeApi api, string node) => api.PatchAsync(ResourceKey.Leases, "kube-node-lease", node, PatchKind.Apply, new JsonObject
    {
        ["apiVersion"] = "coordination.k8s.io/v1",
        ["kind"] = "Lease",
        ["metadata"] = new JsonObject { ["name"] = node, ["namespace"] = "kube-node-lease" },
        ["spec"] = new JsonObject { ["holderIdentity"] = node, ["leaseDurationSeconds"] = 40, ["renewTime"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", null) },
    });

    /// <summary>Pods of this node are no longer minded.</summary>
    public void Abandon(string node)
    {
        lock (_held) _held.Add(node);
    }

    public Task FinishAsync(string ns, string pod, string phase) => StatusAsync(ns, pod, new JsonObject { ["phase"] = phase });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            await foreach (var e in _api.WatchAsync(ResourceKey.Pods, null, new ListOptions(), _stop.Token))
            {
                if (e.Type is "ADDED" or "MODIFIED") await MindAsync(e.Object);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task MindAsync(JsonObject pod)
    {
        if ((string?)pod["spec"]!["nodeName"] is not { } node) return;
        lock (_held)
        {
            if (_held.Contains(node)) return;
        }
        var (ns, name) = ((string)pod["metadata"]!["namespace"]!, (string)pod["metadata"]!["name"]!);
        try
        {
            if (pod["metadata"]!["deletionTimestamp"] is not null)
                await _api.DeleteAsync(ResourceKey.Pods, ns, name, new JsonObject { ["gracePeriodSeconds"] = 0 });
            else if ((string?)pod["status"]?["phase"] is null or "Pending")
                await RunAsync(pod, ns, name);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // It was deleted meanwhile.
        }
    }

    private Task RunAsync(JsonObject pod, string ns, string name) => StatusAsync(ns, name, new JsonObject
    {
        ["phase"] = "Running",
        ["podIP"] = $"10.9.{++_address / 250}.{(_address % 250) + 1}",
        ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = Ready(pod) ? "True" : "False", ["lastTransitionTime"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", null) }),
    });

    private Task StatusAsync(string ns, string pod, JsonObject status) => _api.PatchAsync(ResourceKey.Pods, ns, pod, PatchKind.StrategicMerge, new JsonObject { ["status"] = status }, "status");
}
