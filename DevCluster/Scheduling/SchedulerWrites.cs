using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>What the scheduler writes. A refused write is no failure: the object has changed, and the change comes by the feeds.</summary>
internal sealed class SchedulerWrites(IKubeApi api, EventRecorder events, TimeProvider time, ILogger log)
{
    public Task<bool> BindAsync(Pod pod, string node, CancellationToken ct) => TryAsync($"binding of pod {pod.Key} to {node}", async () =>
    {
        await api.CreateSubresourceAsync(ResourceKey.Pods, pod.Namespace, pod.Name, "binding", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Binding",
            ["metadata"] = new JsonObject { ["name"] = pod.Name, ["namespace"] = pod.Namespace, ["uid"] = pod.Uid },
            ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
        }, ct);
        events.Record(pod, "Normal", "Scheduled", $"Successfully assigned {pod.Key} to {node}");
    });

    /// <summary>For a claim that waited: keeps a static volume for it, or tells its provisioner for which node to make one.</summary>
    public Task<bool> ChooseVolumeAsync(PersistentVolumeClaim claim, PersistentVolume? volume, string node, CancellationToken ct) => TryAsync($"volume for claim {claim.Key}", () =>
    {
        if (volume is null)
        {
            return claim.Metadata.Annotations.ContainsKey(StorageNames.SelectedNode) ? Task.CompletedTask
                : PatchAsync(ResourceKey.PersistentVolumeClaims, claim.Metadata,
                    new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [StorageNames.SelectedNode] = node } } }, null, ct);
        }
        return volume.Spec.ClaimRef is not null ? Task.CompletedTask : PatchAsync(ResourceKey.PersistentVolumes, volume.Metadata, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [StorageNames.BoundByController] = "yes" } },
            ["spec"] = new JsonObject
            {
                ["claimRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "PersistentVolumeClaim", ["namespace"] = claim.Namespace, ["name"] = claim.Name, ["uid"] = claim.Metadata.Uid },
            },
        }, null, ct);
    });

    public Task<bool> PreemptAsync(Pod victim, Pod pod, string node, CancellationToken ct) => TryAsync($"preemption of pod {victim.Key}", async () =>
    {
        await PatchStatusAsync(victim, new JsonObject
        {
            ["conditions"] = new JsonArray(Condition("DisruptionTarget", "True", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod")),
        }, ct);
        await api.DeleteAsync(ResourceKey.Pods, victim.Namespace, victim.Name, new JsonObject { ["preconditions"] = new JsonObject { ["uid"] = victim.Uid } }, ct);
        events.Record(victim, "Normal", "Preempted", $"Preempted by pod {pod.Uid} on node {node}");
    });

    public Task<bool> RefuseAsync(Pod pod, Placement placement, CancellationToken ct) => TryAsync($"status of pod {pod.Key}", () =>
    {
        events.Record(pod, "Warning", "FailedScheduling", placement.Message!);
        var status = new JsonObject { ["conditions"] = new JsonArray(Condition("PodScheduled", "False", "Unschedulable", placement.Message!)) };
        if (placement.Nominated is { } node) status["nominatedNodeName"] = node;
        return PatchStatusAsync(pod, status, ct);
    });

    private JsonObject Condition(string type, string status, string reason, string message) =>
        new() { ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message, ["lastTransitionTime"] = KubeJson.Time(time.GetUtcNow()) };

    private Task PatchStatusAsync(Pod pod, JsonObject status, CancellationToken ct) =>
        api.PatchAsync(ResourceKey.Pods, pod.Namespace, pod.Name, PatchKind.StrategicMerge, new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Uid }, ["status"] = status }, "status", ct);

    private Task PatchAsync(ResourceKey resource, ObjectMeta target, JsonObject patch, string? subresource, CancellationToken ct)
    {
        patch["metadata"]!["uid"] = target.Uid;
        patch["metadata"]!["resourceVersion"] = target.ResourceVersion;
        return api.PatchAsync(resource, target.Namespace.Length > 0 ? target.Namespace : null, target.Name, PatchKind.MergePatch, patch, subresource, ct);
    }

    private async Task<bool> TryAsync(string what, Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (ApiException refused)
        {
            log.LogInformation("{What} was refused: {Error}", what, refused.Message);
            return false;
        }
    }
}
