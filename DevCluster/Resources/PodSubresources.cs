using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Streaming;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources;

/// <summary>binding (what a scheduler posts) and eviction (a delete that budgets may refuse).</summary>
internal sealed class PodSubresources(ObjectStore store, Func<ResourceService> resources, TimeProvider time)
{
    public IReadOnlyDictionary<string, SubresourceDefinition> Definitions => new Dictionary<string, SubresourceDefinition>
    {
        ["binding"] = new("Binding", "", "v1", ["create"], Bind),
        ["eviction"] = new("Eviction", "policy", "v1", ["create"], new Eviction(store, resources, time).EvictAsync),
        ["ephemeralcontainers"] = new("Pod", "", "v1", ["get", "patch", "update"], null) { SpecField = "ephemeralContainers" },
        ["log"] = new("Pod", "", "v1", ["get"], null),
        ["exec"] = Streams("PodExecOptions", (streaming, context, pod) => streaming.ExecAsync(context, pod)),
        ["attach"] = Streams("PodAttachOptions", (streaming, context, pod) => streaming.AttachAsync(context, pod)),
        ["portforward"] = Streams("PodPortForwardOptions", (streaming, context, pod) => streaming.PortForwardAsync(context, pod)),
    };

    /// <summary>Set once there are nodes.</summary>
    public PodStreaming? Streaming { get; set; }

    private SubresourceDefinition Streams(string kind, Func<PodStreaming, HttpContext, StoredObject, Task> serve) => new(kind, "", "v1", ["create", "get"], null)
    {
        Connect = (context, pod) => Streaming is { } streaming ? serve(streaming, context, pod) : throw ApiException.BadRequest($"pod {pod.Name} does not have a host assigned"),
    };

    private async Task<JsonObject> Bind(VirtualRequest request)
    {
        var node = request.Body.Str("target", "name");
        if (string.IsNullOrEmpty(node))
            throw ApiException.Invalid("", "Binding", request.Name, [new("FieldValueRequired", "Required value", "target.name")]);
        while (true)
        {
            var stored = store.State.Table("/pods").Find(request.Namespace, request.Name) ?? throw ApiException.NotFound(ResourceKey.Pods, request.Name);
            if (request.Body.Str("metadata", "uid") is { Length: > 0 } uid && uid != stored.Uid)
                throw ApiException.Conflict(ResourceKey.Pods, request.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.Uid}");
            var pod = stored.Parse();
            if (pod.At("metadata", "deletionTimestamp") is not null)
                throw ApiException.Conflict(ResourceKey.Pods, request.Name, $"pod {request.Name} is being deleted, cannot be assigned to a host");
            if (pod.Str("spec", "nodeName") is { Length: > 0 } already)
                throw ApiException.Conflict(ResourceKey.Pods, request.Name, $"pod {request.Name} is already assigned to node \"{already}\"");
            if (pod.Arr("spec", "schedulingGates") is { Count: > 0 })
                throw ApiException.Conflict(ResourceKey.Pods, request.Name, $"pod {request.Name} has non-empty .spec.schedulingGates");
            pod.Child("spec")["nodeName"] = node;
            SetCondition(pod, "PodScheduled", "True");
            var result = await store.UpdateAsync(stored, ObjectBody.From(pod));
            if (result.Outcome == WriteOutcome.Done)
                return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 };
        }
    }

    private void SetCondition(JsonObject pod, string type, string value)
    {
        var status = pod.Child("status");
        if (status["conditions"] is not JsonArray conditions)
            status["conditions"] = conditions = [];
        if (conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == type) is { } old)
            conditions.Remove(old);
        conditions.Add((JsonNode)new JsonObject { ["type"] = type, ["status"] = value, ["lastProbeTime"] = null, ["lastTransitionTime"] = time.GetUtcNow().Kube() });
    }
}
