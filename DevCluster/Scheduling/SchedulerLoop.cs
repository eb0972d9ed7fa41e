using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Binds pods to nodes; looks again whenever a node or a pod changes.</summary>
public static class SchedulerLoop
{
    private const string DefaultScheduler = "default-scheduler";

    public static async Task RunAsync(IKubeApi api, TimeProvider time, CancellationToken ct, ILogger? logger = null)
    {
        var log = logger ?? NullLogger.Instance;
        var events = new PodEvents(api, DefaultScheduler, Environment.MachineName, time, log);
        var changes = Channel.CreateUnbounded<(ResourceKey Kind, FeedEvent Event)>();
        var feeds = new[] { ResourceKey.Nodes, ResourceKey.Pods }.Select(kind => Task.Run(async () =>
        {
            await foreach (var e in ObjectFeed.ReadAsync(api, kind, log, time, ct)) changes.Writer.TryWrite((kind, e));
        }, ct)).ToList();
        var nodes = new Dictionary<string, Node>();
        var pods = new Dictionary<string, Pod>();
        var said = new Dictionary<string, string>();
        var synced = new HashSet<ResourceKey>();
        while (await changes.Reader.WaitToReadAsync(ct))
        {
            while (changes.Reader.TryRead(out var change))
            {
                if (change.Event is FeedEvent.Synced) synced.Add(change.Kind);
                else if (change.Kind == ResourceKey.Nodes) Apply(nodes, change.Event, KubeJson.Read<Node>, n => n.Metadata.Uid);
                else Apply(pods, change.Event, KubeJson.Read<Pod>, p => p.Uid);
            }

            if (synced.Count < feeds.Count) continue;
            foreach (var pod in pods.Values.Where(IsOurs).OrderByDescending(p => p.Spec.Priority).ThenBy(p => p.Metadata.CreationTimestamp).ToList())
            {
                var placement = Placer.Place(pod, nodes.Values, pods.Values.Where(p => p.Spec.NodeName.Length > 0).ToList());
                if (placement.Node is { } node)
                {
                    if (await BindAsync(api, pod, node, events, log, ct))
                        // Counted at once, so that the next pod of this round does not take the same room.
                        pods[pod.Uid] = pod with { Spec = pod.Spec with { NodeName = node } };
                    said.Remove(pod.Uid);
                }
                else if (said.GetValueOrDefault(pod.Uid) != placement.Message)
                {
                    said[pod.Uid] = placement.Message!;
                    await RefuseAsync(api, pod, placement.Message!, events, time, ct);
                }
            }
        }
    }

    private static void Apply<T>(Dictionary<string, T> known, FeedEvent e, Func<JsonNode, T> read, Func<T, string> key)
    {
        if (e is FeedEvent.Present present)
        {
            var value = read(present.Object);
            known[key(value)] = value;
        }
        else if (e is FeedEvent.Gone gone)
        {
            known.Remove(key(read(gone.LastKnown)));
        }
    }

    private static bool IsOurs(Pod pod) =>
        pod.Spec.NodeName.Length == 0 && pod.Metadata.DeletionTimestamp is null && !pod.IsFinished && pod.Spec.SchedulingGates.Count == 0
        && pod.Spec.SchedulerName is "" or DefaultScheduler && pod.Spec.NodeName.Length == 0;

    private static async Task<bool> BindAsync(IKubeApi api, Pod pod, string node, PodEvents events, ILogger log, CancellationToken ct)
    {
        try
        {
            await api.CreateSubresourceAsync(ResourceKey.Pods, pod.Namespace, pod.Name, "binding", new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Binding",
                ["metadata"] = new JsonObject { ["name"] = pod.Name, ["namespace"] = pod.Namespace, ["uid"] = pod.Uid },
                ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
            }, ct);
            events.Record(pod, "Normal", "Scheduled", $"Successfully assigned {pod.Key} to {node}");
            return true;
        }
        catch (ApiException refused)
        {
            log.LogInformation("pod {Pod} was not bound to {Node}: {Error}", pod.Key, node, refused.Message);
            return false;
        }
    }

    private static async Task RefuseAsync(IKubeApi api, Pod pod, string message, PodEvents events, TimeProvider time, CancellationToken ct)
    {
        events.Record(pod, "Warning", "FailedScheduling", message);
        try
        {
            await api.PatchAsync(ResourceKey.Pods, pod.Namespace, pod.Name, PatchKind.StrategicMerge, new JsonObject
            {
                ["status"] = new JsonObject
                {
                    ["conditions"] = new JsonArray(new JsonObject
                    {
                        ["type"] = "PodScheduled", ["status"] = "False", ["reason"] = "Unschedulable", ["message"] = message, ["lastTransitionTime"] = KubeJson.Time(time.GetUtcNow()),
                    }),
                },
            }, "status", ct);
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // Deleted meanwhile.
        }
    }
}
