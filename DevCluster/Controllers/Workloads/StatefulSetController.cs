using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Keeps the numbered pods of a StatefulSet and their claims.</summary>
internal sealed class StatefulSetController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.StatefulSets, "StatefulSet", "statefulset-controller", time, log)
{
    private readonly Revisions _revisions = new(store, api);

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored || stored.Index.Deleting) return null;
        var set = stored.As<Workload>();
        var owner = OwnerOf(set.Metadata);
        var pods = await Pods.OfAsync(owner, set.Spec.Selector, ct);
        var update = await _revisions.KeepAsync(owner, set, pods.Select(HashOf).Append(Hash(set, set.Status.CurrentRevision)).ToHashSet(), ct);
        var current = Hash(set, set.Status.CurrentRevision) is { Length: > 0 } had ? had : update;
        var now = Time.GetUtcNow();
        var (create, delete) = StatefulSetPlan.Next(set, pods, update, now);
        foreach (var ordinal in create)
        {
            // Below the partition the old template still holds.
            var hash = ordinal < set.Spec.UpdateStrategy.RollingUpdate.Partition ? current : update;
            await MakeAsync(owner, set, ordinal, _revisions.Template(set, hash) is { } template ? (template, hash) : (set.Spec.Template, update), ct);
        }
        foreach (var pod in delete) await Pods.DeleteAsync(owner, pod, ct);

        var living = (await Pods.OfAsync(owner, set.Spec.Selector, ct)).Where(pod => pod is { IsFinished: false, Metadata.IsDeleted: false }).ToList();
        var available = living.Count(pod => ReplicaSetPlan.IsAvailable(pod, set.Spec.MinReadySeconds, now));
        var updated = living.Count(pod => HashOf(pod) == update);
        if (updated == set.Spec.Replicas && available == set.Spec.Replicas && living.Count == set.Spec.Replicas) current = update;
        await WriteStatusAsync(stored, new JsonObject
        {
            ["replicas"] = living.Count,
            ["readyReplicas"] = living.Count(pod => pod.IsReady),
            ["availableReplicas"] = available,
            ["updatedReplicas"] = updated,
            ["currentReplicas"] = living.Count(pod => HashOf(pod) == current),
            ["currentRevision"] = $"{set.Name}-{current}",
            ["updateRevision"] = $"{set.Name}-{update}",
            ["collisionCount"] = 0,
            ["observedGeneration"] = set.Metadata.Generation,
        }, ct);
        return ReplicaSetPlan.NextAvailable(living, set.Spec.MinReadySeconds, now);
    }

    private static string HashOf(Pod pod) => pod.Metadata.Labels.GetValueOrDefault(Revisions.HashLabel, "") is var label && label.LastIndexOf('-') is >= 0 and var dash ? label[(dash + 1)..] : label;

    private static string Hash(Workload set, string revision) => revision.StartsWith(set.Name + "-", StringComparison.Ordinal) ? revision[(set.Name.Length + 1)..] : "";

    private async Task MakeAsync(Owner owner, Workload set, int ordinal, (JsonObject Template, string Hash) revision, CancellationToken ct)
    {
        var name = $"{set.Name}-{ordinal}";
        foreach (var claim in set.Spec.VolumeClaimTemplates) await ClaimAsync(set, claim, name, ct);
        try
        {
            await Pods.CreateAsync(owner, revision.Template, name, pod =>
            {
                var labels = pod.Meta().Child("labels");
                labels[Revisions.HashLabel] = $"{set.Name}-{revision.Hash}";
                labels["statefulset.kubernetes.io/pod-name"] = name;
                labels["apps.kubernetes.io/pod-index"] = ordinal.ToString(null, null);
                var spec = pod.Child("spec");
                spec["hostname"] = name;
                if (set.Spec.ServiceName.Length > 0) spec["subdomain"] = set.Spec.ServiceName;
                foreach (var claim in set.Spec.VolumeClaimTemplates) Mount(spec, claim.Name(), name);
            }, ct);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            // Seen next time, or somebody else's pod is in the way; its end comes here too.
        }
    }

    private static void Mount(JsonObject spec, string claim, string pod)
    {
        if (spec["volumes"] is not JsonArray volumes) spec["volumes"] = volumes = [];
        if (volumes.OfType<JsonObject>().FirstOrDefault(volume => volume.Str("name") == claim) is { } same) volumes.Remove(same);
        volumes.Add((JsonNode)new JsonObject { ["name"] = claim, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = $"{claim}-{pod}" } });
    }

    private async Task ClaimAsync(Workload set, JsonObject template, string pod, CancellationToken ct)
    {
        var name = $"{template.Name()}-{pod}";
        if (Store.State.Table("/persistentvolumeclaims").Find(set.Namespace, name) is not null) return;
        var metadata = template.Obj("metadata")?.Copy() ?? [];
        metadata["name"] = name;
        var labels = metadata.Child("labels");
        foreach (var (key, value) in set.Spec.Selector.MatchLabels) labels[key] = value;
        await Api.CreateAsync(ResourceKey.PersistentVolumeClaims, set.Namespace, new JsonObject { ["metadata"] = metadata, ["spec"] = template.Obj("spec")?.Copy() }, ct);
        Tell(set.Metadata, "Normal", "SuccessfulCreate", $"create Claim {name} Pod {pod} in StatefulSet {set.Name} success");
    }
}
