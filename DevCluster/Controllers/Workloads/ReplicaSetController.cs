using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Keeps as many pods as a ReplicaSet wants.</summary>
internal sealed class ReplicaSetController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.ReplicaSets, "ReplicaSet", "replicaset-controller", time, log)
{
    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored) return null;
        var set = stored.As<Workload>();
        var owner = OwnerOf(set.Metadata);
        var pods = await Pods.OfAsync(owner, set.Spec.Selector, ct);
        if (!set.Metadata.IsDeleted)
        {
            var (create, delete) = ReplicaSetPlan.Next(set.Spec.Replicas, pods);
            for (var i = 0; i < create; i++) await Pods.CreateAsync(owner, set.Spec.Template, set.Name + "-", null, ct);
            foreach (var pod in delete) await Pods.DeleteAsync(owner, pod, ct);
        }
        var now = Time.GetUtcNow();
        // What was just made or deleted counts once it is seen.
        var active = (await Pods.OfAsync(owner, set.Spec.Selector, ct)).Where(pod => !pod.IsFinished && !pod.Metadata.IsDeleted).ToList();
        var labels = set.Spec.Template.Obj("metadata", "labels")?.ToDictionary(label => label.Key, label => label.Value.AsString() ?? "") ?? [];
        await WriteStatusAsync(stored, new JsonObject
        {
            ["replicas"] = active.Count,
            ["fullyLabeledReplicas"] = active.Count(pod => labels.All(label => pod.Metadata.Labels.GetValueOrDefault(label.Key) == label.Value)),
            ["readyReplicas"] = active.Count(pod => pod.IsReady),
            ["availableReplicas"] = active.Count(pod => ReplicaSetPlan.IsAvailable(pod, set.Spec.MinReadySeconds, now)),
            ["observedGeneration"] = set.Metadata.Generation,
        }, ct);
        return ReplicaSetPlan.NextAvailable(active, set.Spec.MinReadySeconds, now);
    }
}
