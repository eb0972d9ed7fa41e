using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>The templates that a StatefulSet or DaemonSet has had, kept as ControllerRevisions.</summary>
internal sealed class Revisions(ObjectStore store, IKubeApi api)
{
    public const string HashLabel = "controller-revision-hash";
    private const string Table = "apps/controllerrevisions";
    private static readonly ResourceKey Key = new("apps", "v1", "controllerrevisions");

    /// <summary>Keeps the current template as the newest revision, forgets the oldest that nobody needs, and returns its hash.</summary>
    public async Task<string> KeepAsync(Owner owner, Workload set, IReadOnlySet<string> inUse, CancellationToken ct)
    {
        var hash = TemplateHash.Of(set.Spec.Template);
        var all = Of(owner).OrderBy(Number).ToList();
        var newest = all.Count == 0 ? 0 : Number(all[^1]);
        var own = all.Find(revision => revision.Name == $"{set.Name}-{hash}");
        if (own is null)
        {
            var template = set.Spec.Template.Copy();
            template["$patch"] = "replace";
            await api.CreateAsync(Key, set.Namespace, new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["name"] = $"{set.Name}-{hash}",
                    ["labels"] = Labels(set, hash),
                    ["annotations"] = new JsonObject(set.Metadata.Annotations.Where(a => a.Key == "kubernetes.io/change-cause").Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))),
                    ["ownerReferences"] = new JsonArray(owner.Reference()),
                },
                ["data"] = new JsonObject { ["spec"] = new JsonObject { ["template"] = template } },
                ["revision"] = newest + 1,
            }, ct);
        }
        else if (Number(own) < newest)
        {
            await api.PatchAsync(Key, set.Namespace, own.Name, PatchKind.MergePatch, new JsonObject { ["revision"] = newest + 1 }, ct: ct);
        }
        var idle = all.Where(revision => revision != own && !inUse.Contains(revision.Index.Labels.GetValueOrDefault(HashLabel, ""))).ToList();
        foreach (var revision in idle.Take(Math.Max(0, idle.Count - set.Spec.RevisionHistoryLimit))) await api.DeleteAsync(Key, set.Namespace, revision.Name, null, ct);
        return hash;
    }

    public JsonObject? Template(Workload set, string hash)
    {
        var template = store.State.Table(Table).Find(set.Namespace, $"{set.Name}-{hash}")?.Parse().Obj("data", "spec", "template")?.Copy();
        template?.Remove("$patch");
        return template;
    }

    private IEnumerable<StoredObject> Of(Owner owner) => store.State.Table(Table).All(owner.Metadata.Namespace).Where(revision => revision.Index.Owners.Any(o => o.Uid == owner.Metadata.Uid));

    private static long Number(StoredObject revision) => long.TryParse(revision.Field("revision"), out var number) ? number : 0;

    private static JsonObject Labels(Workload set, string hash)
    {
        var labels = set.Spec.Template.Obj("metadata", "labels")?.Copy() ?? [];
        labels[HashLabel] = hash;
        return labels;
    }
}
