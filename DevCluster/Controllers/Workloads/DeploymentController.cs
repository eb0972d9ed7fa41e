using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Rolls a Deployment out over its replica sets: the shell around <see cref="DeploymentPlan"/>.</summary>
internal sealed class DeploymentController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.Deployments, "Deployment", "deployment-controller", time, log)
{
    private const string Sets = "apps/replicasets", Revision = "deployment.kubernetes.io/revision", HashLabel = "pod-template-hash";

    protected override bool Interested(StoreEvent e) => e.Object.Table is Sets || e.Object.Table == Table || (e.Object.Table == PodTable && e.Type == StoreEventType.Deleted);

    protected override IEnumerable<string> KeysOf(StoreEvent e)
    {
        if (e.Object.Table != PodTable) return base.KeysOf(e);
        // The end of an old pod is what Recreate waits for.
        return e.Object.Index.Owners.Where(owner => owner.Kind == "ReplicaSet")
            .Select(owner => Store.State.Table(Sets).Find(e.Object.Namespace, owner.Name)).OfType<StoredObject>()
            .SelectMany(set => set.Index.Owners).Where(owner => owner.Kind == "Deployment").Select(owner => $"{e.Object.Namespace}/{owner.Name}");
    }

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored || stored.Index.Deleting) return null;
        var deployment = stored.As<Workload>();
        var sets = Store.State.All<Workload>(Sets, deployment.Namespace).Where(set => set.Metadata.Controller?.Uid == deployment.Metadata.Uid).ToList();
        var canonical = TemplateHash.Canonical(deployment.Spec.Template);
        var current = sets.Where(set => TemplateHash.Canonical(set.Spec.Template) == canonical).MinBy(set => set.Metadata.CreationTimestamp);
        var old = sets.Where(set => set != current).ToList();
        if (deployment.Spec.Paused || DeploymentPlan.IsResized(deployment, sets))
        {
            await ScaleAsync(deployment, DeploymentPlan.Resize(deployment, current, sets), ct);
            await AnnotateAsync(deployment, sets, ct);
            return await ReportAsync(stored, deployment, current, sets, ct);
        }
        if (current is null)
        {
            await CreateSetAsync(deployment, old, ct);
            return null; // the new set's event comes back here
        }
        await KeepRevisionAsync(stored, deployment, current, old, ct);
        var oldPods = old.Sum(set => Store.State.Table(PodTable).All(set.Namespace).Count(pod => pod.Index.Owners.Any(owner => owner.Uid == set.Metadata.Uid) && !pod.As<Pod>().IsFinished));
        await ScaleAsync(deployment, DeploymentPlan.Scale(deployment, current, old, oldPods), ct);
        await ForgetAsync(deployment, old, ct);
        return await ReportAsync(stored, deployment, current, sets, ct);
    }

    private async Task ScaleAsync(Workload deployment, IReadOnlyList<(Workload Set, int Replicas)> changes, CancellationToken ct)
    {
        foreach (var (set, replicas) in changes)
        {
            Tell(deployment.Metadata, "Normal", "ScalingReplicaSet", $"Scaled {(replicas > set.Spec.Replicas ? "up" : "down")} replica set {set.Name} from {set.Spec.Replicas} to {replicas}");
            await PatchSetAsync(set, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = Sizes(deployment) }, ["spec"] = new JsonObject { ["replicas"] = replicas } }, ct);
        }
    }

    /// <summary>From then on the sets know of the new size, whether or not it changed theirs.</summary>
    private async Task AnnotateAsync(Workload deployment, IReadOnlyList<Workload> sets, CancellationToken ct)
    {
        var sizes = Sizes(deployment);
        foreach (var known in sets.Where(set => set.Spec.Replicas > 0))
        {
            // Read again: scaling it has made a new version of it.
            if (Store.State.Table(Sets).Find(known.Namespace, known.Name)?.As<Workload>() is { Spec.Replicas: > 0 } set && sizes.Any(size => set.Metadata.Annotations.GetValueOrDefault(size.Key) != size.Value.AsString()))
                await PatchSetAsync(set, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = sizes.DeepClone() } }, ct);
        }
    }

    private static JsonObject Sizes(Workload deployment)
    {
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        return new JsonObject { [DeploymentPlan.Desired] = Text(deployment.Spec.Replicas), [DeploymentPlan.Max] = Text(deployment.Spec.Replicas + DeploymentPlan.Limits(deployment).Surge) };
    }

    private async Task CreateSetAsync(Workload deployment, IReadOnlyList<Workload> old, CancellationToken ct)
    {
        var hash = TemplateHash.Of(deployment.Spec.Template);
        var template = deployment.Spec.Template.Copy();
        template.Meta().Child("labels")[HashLabel] = hash;
        var selector = Store.State.Table(Table).Find(deployment.Namespace, deployment.Name)!.Parse().Obj("spec", "selector")!.Copy();
        selector.Child("matchLabels")[HashLabel] = hash;
        var (surge, _) = DeploymentPlan.Limits(deployment);
        var first = deployment.Spec.Strategy.Type == "Recreate" && old.Any(set => set.Spec.Replicas > 0 || set.Status.Replicas > 0) ? 0
            : Math.Max(0, Math.Min(deployment.Spec.Replicas, deployment.Spec.Replicas + surge - old.Sum(set => set.Spec.Replicas)));
        var revision = NextRevision(old);
        var name = $"{deployment.Name}-{hash}";
        var annotations = Inherited(deployment);
        annotations[Revision] = revision;
        foreach (var (key, value) in Sizes(deployment))
            annotations[key] = value?.DeepClone();
        await Api.CreateAsync(ResourceKey.ReplicaSets, deployment.Namespace, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = template.Meta().Child("labels").DeepClone(),
                ["annotations"] = annotations,
                ["ownerReferences"] = new JsonArray(OwnerOf(deployment.Metadata).Reference()),
            },
            ["spec"] = new JsonObject { ["replicas"] = first, ["minReadySeconds"] = deployment.Spec.MinReadySeconds, ["selector"] = selector, ["template"] = template },
        }, ct);
        Tell(deployment.Metadata, "Normal", "ScalingReplicaSet", $"Scaled up replica set {name} from 0 to {first}");
    }

    /// <summary>A template that comes back (rollout undo) is the newest revision again.</summary>
    private async Task KeepRevisionAsync(StoredObject stored, Workload deployment, Workload current, IReadOnlyList<Workload> old, CancellationToken ct)
    {
        var revision = old.Count == 0 || RevisionOf(current) > old.Max(RevisionOf) ? current.Metadata.Annotations.GetValueOrDefault(Revision, "1") : NextRevision(old);
        if (current.Metadata.Annotations.GetValueOrDefault(Revision) != revision)
            await PatchSetAsync(current, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Revision] = revision } } }, ct);
        if (deployment.Metadata.Annotations.GetValueOrDefault(Revision) != revision)
        {
            await Api.PatchAsync(ResourceKey.Deployments, stored.Namespace, stored.Name, PatchKind.MergePatch,
                new JsonObject { ["metadata"] = new JsonObject { ["uid"] = stored.Uid, ["annotations"] = new JsonObject { [Revision] = revision } } }, ct: ct);
        }
    }

    private async Task ForgetAsync(Workload deployment, IReadOnlyList<Workload> old, CancellationToken ct)
    {
        var idle = old.Where(set => set is { Spec.Replicas: 0, Status.Replicas: 0, Metadata.IsDeleted: false }).OrderBy(RevisionOf).ToList();
        foreach (var set in idle.Take(Math.Max(0, idle.Count - deployment.Spec.RevisionHistoryLimit)))
            await Api.DeleteAsync(ResourceKey.ReplicaSets, set.Namespace, set.Name, null, ct);
    }

    private async Task<TimeSpan?> ReportAsync(StoredObject stored, Workload deployment, Workload? current, IReadOnlyList<Workload> sets, CancellationToken ct)
    {
        var now = Time.GetUtcNow();
        var view = new DeploymentProgress(deployment, current, sets);
        var conditions = view.Conditions(now);
        var (replicas, available) = (sets.Sum(set => set.Status.Replicas), sets.Sum(set => set.Status.AvailableReplicas));
        await WriteStatusAsync(stored, new JsonObject
        {
            ["observedGeneration"] = deployment.Metadata.Generation,
            ["replicas"] = replicas,
            ["updatedReplicas"] = current?.Status.Replicas ?? 0,
            ["readyReplicas"] = sets.Sum(set => set.Status.ReadyReplicas),
            ["availableReplicas"] = available,
            ["unavailableReplicas"] = Math.Max(0, Math.Max(replicas, deployment.Spec.Replicas) - available),
            ["conditions"] = new JsonArray([.. conditions.Select(Render)]),
        }, ct);
        return view.IsComplete || deployment.Spec.Paused || conditions[1].LastUpdateTime is not { } since || conditions[1].Reason == "ProgressDeadlineExceeded" ? null
            : since + TimeSpan.FromSeconds(deployment.Spec.ProgressDeadlineSeconds + 1) - now;
    }

    private static JsonNode Render(WorkloadCondition condition) => new JsonObject
    {
        ["type"] = condition.Type,
        ["status"] = condition.Status,
        ["reason"] = condition.Reason,
        ["message"] = condition.Message,
        ["lastUpdateTime"] = KubeJson.Time(condition.LastUpdateTime!.Value),
        ["lastTransitionTime"] = KubeJson.Time(condition.LastTransitionTime!.Value),
    };

    private Task PatchSetAsync(Workload set, JsonObject patch, CancellationToken ct)
    {
        var metadata = patch.Meta();
        metadata["uid"] = set.Metadata.Uid;
        metadata["resourceVersion"] = set.Metadata.ResourceVersion;
        return Api.PatchAsync(ResourceKey.ReplicaSets, set.Namespace, set.Name, PatchKind.MergePatch, patch, ct: ct);
    }

    /// <summary>Annotations of the deployment are its replica sets' too (the change cause shows in the history), but for what is only its own.</summary>
    private static JsonObject Inherited(Workload deployment) => new(deployment.Metadata.Annotations
        .Where(a => a.Key is not (Revision or DeploymentPlan.Desired or DeploymentPlan.Max or "kubectl.kubernetes.io/last-applied-configuration")).Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value)));

    private static long RevisionOf(Workload set) => long.TryParse(set.Metadata.Annotations.GetValueOrDefault(Revision), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string NextRevision(IReadOnlyList<Workload> old) => ((old.Count == 0 ? 0 : old.Max(RevisionOf)) + 1).ToString(CultureInfo.InvariantCulture);
}
