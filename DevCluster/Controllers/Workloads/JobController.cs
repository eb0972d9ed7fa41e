using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Runs jobs to their end and removes those whose time after it is over: the shell around <see cref="JobPlan"/>.</summary>
internal sealed class JobController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.Jobs, "Job", "job-controller", time, log)
{
    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored || stored.Index.Deleting) return null;
        var job = stored.As<Job>();
        var now = Time.GetUtcNow();
        if (job.IsFinished) return await ExpireAsync(job, now, ct);
        if (job.Status.StartTime is null && !job.Spec.Suspend)
        {
            await WriteStatusAsync(stored, new JsonObject { ["startTime"] = KubeJson.Time(now) }, ct);
            return null; // comes back with that
        }
        var owner = OwnerOf(job.Metadata);
        var pods = await Pods.OfAsync(owner, job.Spec.Selector, ct);
        var plan = JobPlan.Next(job, pods, now);
        foreach (var pod in plan.Delete) await Pods.DeleteAsync(owner, pod, ct);
        foreach (var index in plan.Create) await Pods.CreateAsync(owner, job.Spec.Template, index < 0 ? job.Metadata.Name + "-" : $"{job.Metadata.Name}-{index}-", index < 0 ? null : pod => Number(pod, job, index), ct);
        await ReportAsync(stored, job, await Pods.OfAsync(owner, job.Spec.Selector, ct), plan, now, ct);
        return plan.WakeAt - now;
    }

    private async Task<TimeSpan?> ExpireAsync(Job job, DateTimeOffset now, CancellationToken ct)
    {
        if (job.Spec.TtlSecondsAfterFinished is not { } seconds) return null;
        var at = job.Status.Conditions.Find(condition => condition.Type is "Complete" or "Failed")!.LastTransitionTime + TimeSpan.FromSeconds(seconds);
        if (at > now) return at - now;
        await Api.DeleteAsync(ResourceKey.Jobs, job.Metadata.Namespace, job.Metadata.Name,
            new JsonObject { ["propagationPolicy"] = "Foreground", ["preconditions"] = new JsonObject { ["uid"] = job.Metadata.Uid } }, ct);
        return null;
    }

    private async Task ReportAsync(StoredObject stored, Job job, IReadOnlyList<Pod> pods, JobPlan plan, DateTimeOffset now, CancellationToken ct)
    {
        var active = plan.End is null ? pods.Where(pod => pod is { IsFinished: false, Metadata.IsDeleted: false }).ToList() : [];
        var succeeded = JobPlan.Succeeded(job, pods);
        var status = new JsonObject
        {
            ["active"] = active.Count,
            ["ready"] = active.Count(pod => pod.IsReady),
            ["succeeded"] = succeeded.Count,
            ["failed"] = pods.Count(pod => pod.Status.Phase == "Failed") + (plan.End is null ? 0 : plan.Delete.Count),
        };
        if (job.Spec.CompletionMode == "Indexed") status["completedIndexes"] = string.Join(",", succeeded);
        if (plan.End is { } end)
        {
            status["conditions"] = new JsonArray(
                Condition(end.Type == "Complete" ? "SuccessCriteriaMet" : "FailureTarget", end.Reason, end.Message, now), Condition(end.Type, end.Reason, end.Message, now));
            if (end.Type == "Complete") status["completionTime"] = KubeJson.Time(now);
            Tell(job.Metadata, end.Type == "Complete" ? "Normal" : "Warning", end.Type == "Complete" ? "Completed" : end.Reason, end.Type == "Complete" ? "Job completed" : end.Message);
        }
        else if (job.Spec.Suspend)
        {
            status["startTime"] = null;
            status["conditions"] = new JsonArray(Condition("Suspended", "JobSuspended", "Job suspended", now));
        }
        await WriteStatusAsync(stored, status, ct);
    }

    private static JsonObject Condition(string type, string reason, string message, DateTimeOffset now) => new()
    {
        ["type"] = type,
        ["status"] = "True",
        ["reason"] = reason,
        ["message"] = message,
        ["lastProbeTime"] = KubeJson.Time(now),
        ["lastTransitionTime"] = KubeJson.Time(now),
    };

    private static void Number(JsonObject pod, Job job, int index)
    {
        var text = index.ToString(null, null);
        pod.Meta().Child("annotations")[JobPlan.IndexAnnotation] = text;
        pod.Meta().Child("labels")[JobPlan.IndexAnnotation] = text;
        pod.Child("spec")["hostname"] = $"{job.Metadata.Name}-{text}";
        foreach (var container in (pod.Arr("spec", "containers") ?? []).Concat(pod.Arr("spec", "initContainers") ?? []).OfType<JsonObject>())
        {
            if (container["env"] is not JsonArray env) container["env"] = env = [];
            env.Add((JsonNode)new JsonObject { ["name"] = "JOB_COMPLETION_INDEX", ["value"] = text });
        }
    }
}
