using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>What a workload's controller does with pods: find, adopt, make and delete them.</summary>
internal sealed class OwnedPods(ObjectStore store, IKubeApi api, EventRecorder events)
{
    /// <summary>Pods that the owner controls; matching ones without a controller are adopted.</summary>
    public async Task<IReadOnlyList<Pod>> OfAsync(Owner owner, LabelSelector selector, CancellationToken ct)
    {
        var pods = new List<Pod>();
        foreach (var stored in store.State.Table("/pods").All(owner.Metadata.Namespace).ToList())
        {
            if (stored.Index.Owners.Count > 0)
            {
                if (stored.As<Pod>() is var pod && pod.Metadata.Controller?.Uid == owner.Metadata.Uid) pods.Add(pod);
                continue;
            }
            if (stored.Index.Deleting || owner.Metadata.IsDeleted || !selector.Matches(stored.Index.Labels) || stored.As<Pod>().IsFinished) continue;
            await api.PatchAsync(ResourceKey.Pods, stored.Namespace, stored.Name, PatchKind.StrategicMerge, new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = stored.Uid, ["ownerReferences"] = new JsonArray(owner.Reference()) },
            }, ct: ct);
            pods.Add(stored.As<Pod>());
        }
        return pods;
    }

    /// <param name="owner">Who controls the pod.</param>
    /// <param name="template">A pod template.</param>
    /// <param name="name">Its name, or a prefix that ends with a dash.</param>
    /// <param name="change">What is particular to this pod.</param>
    /// <param name="ct">Cancels.</param>
    public async Task CreateAsync(Owner owner, JsonObject template, string name, Action<JsonObject>? change, CancellationToken ct)
    {
        var metadata = template.Obj("metadata")?.Copy() ?? [];
        metadata.Remove("creationTimestamp");
        metadata[name.EndsWith('-') ? "generateName" : "name"] = name;
        metadata["namespace"] = owner.Metadata.Namespace;
        metadata["ownerReferences"] = new JsonArray(owner.Reference());
        var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata, ["spec"] = template.Obj("spec")?.Copy() };
        change?.Invoke(pod);
        try
        {
            var made = await api.CreateAsync(ResourceKey.Pods, owner.Metadata.Namespace, pod, ct);
            events.Record(owner.ApiVersion, owner.Kind, owner.Metadata, "Normal", "SuccessfulCreate", $"Created pod: {made.Name()}");
        }
        catch (ApiException refused)
        {
            events.Record(owner.ApiVersion, owner.Kind, owner.Metadata, "Warning", "FailedCreate", $"Error creating: {refused.Message}");
            throw;
        }
    }

    public async Task DeleteAsync(Owner owner, Pod pod, CancellationToken ct)
    {
        try
        {
            await api.DeleteAsync(ResourceKey.Pods, pod.Namespace, pod.Name, new JsonObject { ["preconditions"] = new JsonObject { ["uid"] = pod.Uid } }, ct);
            events.Record(owner.ApiVersion, owner.Kind, owner.Metadata, "Normal", "SuccessfulDelete", $"Deleted pod: {pod.Name}");
        }
        catch (ApiException gone) when (gone.Code is 404 or 409)
        {
            // Gone already.
        }
    }
}

/// <summary>An object that controls others.</summary>
internal sealed record Owner(string ApiVersion, string Kind, ObjectMeta Metadata)
{
    public JsonObject Reference() => new()
    {
        ["apiVersion"] = ApiVersion,
        ["kind"] = Kind,
        ["name"] = Metadata.Name,
        ["uid"] = Metadata.Uid,
        ["controller"] = true,
        ["blockOwnerDeletion"] = true,
    };
}
