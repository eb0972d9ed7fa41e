using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Controllers;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources;

/// <summary>The eviction subresource: a delete that disruption budgets may refuse.</summary>
internal sealed class Eviction(ObjectStore store, Func<ResourceService> resources, TimeProvider time)
{
    private const string Budgets = "policy/poddisruptionbudgets";

    public async Task<JsonObject> EvictAsync(VirtualRequest request)
    {
        while (true)
        {
            var stored = store.State.Table("/pods").Find(request.Namespace, request.Name) ?? throw ApiException.NotFound(ResourceKey.Pods, request.Name);
            var pod = stored.As<Pod>();
            // A pod that does not run yet, or no longer, disturbs nobody by going.
            if (pod is { IsFinished: false, Status.Phase: not "Pending", Metadata.IsDeleted: false } && await CheckBudgetAsync(pod, request) is false) continue;
            var options = request.Body.Obj("deleteOptions")?.Copy() ?? [];
            options.Child("preconditions")["uid"] = pod.Uid;
            if (!request.Context.DryRun) await MarkAsync(stored);
            await resources().DeleteAsync(request.Context, request.Definition, request.Namespace, request.Name, options, CancellationToken.None);
            return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 };
        }
    }

    /// <returns>False when the budget changed meanwhile and must be looked at again.</returns>
    private async Task<bool> CheckBudgetAsync(Pod pod, VirtualRequest request)
    {
        var budgets = store.State.Table(Budgets).All(pod.Namespace).Where(stored => stored.As<PodDisruptionBudget>().Covers(pod)).ToList();
        if (budgets.Count == 0) return true;
        if (budgets.Count > 1) throw ApiException.Internal("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
        var (stored, budget) = (budgets[0], budgets[0].As<PodDisruptionBudget>());
        var status = budget.Status;
        if (!pod.IsReady && (budget.Spec.UnhealthyPodEvictionPolicy == "AlwaysAllow" || (status.CurrentHealthy >= status.DesiredHealthy && status.DesiredHealthy > 0))) return true;
        if (status.ObservedGeneration < budget.Metadata.Generation)
            throw TooMany($"The disruption budget {stored.Name} is still being processed by the server.", retryAfterSeconds: 10);
        if (status.DisruptionsAllowed <= 0)
            throw TooMany($"The disruption budget {stored.Name} needs {status.DesiredHealthy} healthy pods and has {status.CurrentHealthy} currently", retryAfterSeconds: null);
        if (request.Context.DryRun) return true;
        // Taken off at once, so that two evictions can't both have the last one.
        var taken = stored.Parse();
        taken.Child("status")["disruptionsAllowed"] = status.DisruptionsAllowed - 1;
        taken.Child("status").Child("disruptedPods")[pod.Name] = time.GetUtcNow().Kube();
        return (await store.UpdateAsync(stored, ObjectBody.From(taken))).Outcome == WriteOutcome.Done;
    }

    private async Task MarkAsync(StoredObject stored)
    {
        var pod = stored.Parse();
        if (pod.Child("status")["conditions"] is not JsonArray conditions) pod.Child("status")["conditions"] = conditions = [];
        if (conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == "DisruptionTarget") is { } old) conditions.Remove(old);
        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = "DisruptionTarget",
            ["status"] = "True",
            ["reason"] = "EvictionByEvictionAPI",
            ["message"] = "Eviction API: evicting",
            ["lastTransitionTime"] = time.GetUtcNow().Kube(),
        });
        // Only a note: a pod that changed meanwhile is deleted all the same.
        await store.UpdateAsync(stored, ObjectBody.From(pod));
    }

    private static ApiException TooMany(string cause, int? retryAfterSeconds)
    {
        var details = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["reason"] = "DisruptionBudget", ["message"] = cause }) };
        if (retryAfterSeconds is { } seconds) details["retryAfterSeconds"] = seconds;
        return new ApiException(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", details);
    }
}
