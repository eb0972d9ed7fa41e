using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Keeps one pod of a DaemonSet on each node that suits it.</summary>
internal sealed class DaemonSetController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.DaemonSets, "DaemonSet", "daemonset-controller", time, log)
{
    private readonly Revisions _revisions = new(store, api);

    protected override bool Interested(StoreEvent e) => base.Interested(e) || e.Object.Table == "/nodes";

    protected override IEnumerable<string> KeysOf(StoreEvent e) => e.Object.Table == "/nodes" ? AllKeys() : base.KeysOf(e);

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored || stored.Index.Deleting) return null;
        var set = stored.As<Workload>();
        var owner = OwnerOf(set.Metadata);
        var pods = await Pods.OfAsync(owner, set.Spec.Selector, ct);
        var hash = await _revisions.KeepAsync(owner, set, pods.Select(pod => pod.Metadata.Labels.GetValueOrDefault(Revisions.HashLabel, "")).ToHashSet(), ct);
        var template = KubeJson.Read<PodSpec>(set.Spec.Template.Obj("spec") ?? []);
        var nodes = Store.State.All<Node>("/nodes").ToList();
        var now = Time.GetUtcNow();
        var (create, delete) = DaemonSetPlan.Next(set, template, hash, nodes, pods.ToLookup(NodeOf), now);
        foreach (var pod in delete) await Pods.DeleteAsync(owner, pod, ct);
        foreach (var node in create) await Pods.CreateAsync(owner, set.Spec.Template, set.Name + "-", pod => Pin(pod, node.Name, hash), ct);

        var byNode = (await Pods.OfAsync(owner, set.Spec.Selector, ct)).Where(pod => pod is { IsFinished: false, Metadata.IsDeleted: false }).ToLookup(NodeOf);
        var wanted = nodes.Where(node => DaemonSetPlan.Suits(template, node).Runs).ToList();
        var running = wanted.SelectMany(node => byNode[node.Name].Take(1)).ToList();
        var available = running.Count(pod => ReplicaSetPlan.IsAvailable(pod, set.Spec.MinReadySeconds, now));
        await WriteStatusAsync(stored, new JsonObject
        {
            ["desiredNumberScheduled"] = wanted.Count,
            ["currentNumberScheduled"] = running.Count,
            ["numberMisscheduled"] = byNode.Count(group => wanted.All(node => node.Name != group.Key)),
            ["numberReady"] = running.Count(pod => pod.IsReady),
            ["updatedNumberScheduled"] = running.Count(pod => pod.Metadata.Labels.GetValueOrDefault(Revisions.HashLabel) == hash),
            ["numberAvailable"] = available,
            ["numberUnavailable"] = wanted.Count - available,
            ["observedGeneration"] = set.Metadata.Generation,
        }, ct);
        return ReplicaSetPlan.NextAvailable(running, set.Spec.MinReadySeconds, now);
    }

    /// <summary>The node that a pod is for, before it is bound too.</summary>
    private static string NodeOf(Pod pod) => pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName
        : pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms.SelectMany(term => term.MatchFields).FirstOrDefault(field => field.Key == "metadata.name")?.Values.FirstOrDefault() ?? "";

    private static void Pin(JsonObject pod, string node, string hash)
    {
        pod.Meta().Child("labels")[Revisions.HashLabel] = hash;
        var affinity = pod.Child("spec").Child("affinity").Child("nodeAffinity").Child("requiredDuringSchedulingIgnoredDuringExecution");
        var terms = affinity.Arr("nodeSelectorTerms")?.OfType<JsonObject>().ToList() is { Count: > 0 } some ? some : [];
        if (terms.Count == 0)
        {
            terms = [[]];
            affinity["nodeSelectorTerms"] = new JsonArray(terms[0]);
        }
        foreach (var term in terms)
            term["matchFields"] = new JsonArray(new JsonObject { ["key"] = "metadata.name", ["operator"] = "In", ["values"] = new JsonArray(node) });
        if (pod.Child("spec")["tolerations"] is not JsonArray tolerations) pod.Child("spec")["tolerations"] = tolerations = [];
        foreach (var toleration in DaemonSetPlan.Tolerations)
            tolerations.Add((JsonNode)new JsonObject { ["key"] = toleration.Key, ["operator"] = toleration.Operator, ["effect"] = toleration.Effect });
    }
}
