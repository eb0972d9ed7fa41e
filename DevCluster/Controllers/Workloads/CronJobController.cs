using System.Text.Json.Nodes;
using Cronos;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Makes jobs at their times: the shell around <see cref="CronJobPlan"/>.</summary>
internal sealed class CronJobController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log)
    : WorkloadController(store, api, ResourceKey.CronJobs, "CronJob", "cronjob-controller", time, log)
{
    private const string JobTable = "batch/jobs";

    /// <summary>Timers don't reach farther than some weeks.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    protected override bool Interested(StoreEvent e) => e.Object.Table is JobTable || e.Object.Table == Table;

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (Find(key) is not { } stored || stored.Index.Deleting) return null;
        var cronJob = stored.As<CronJob>();
        if (!CronExpression.TryParse(cronJob.Spec.Schedule, out var schedule) || !TimeZoneInfo.TryFindSystemTimeZoneById(cronJob.Spec.TimeZone ?? "UTC", out var zone))
        {
            Tell(cronJob.Metadata, "Warning", "UnparseableSchedule", $"unparseable schedule \"{cronJob.Spec.Schedule}\" or unknown time zone \"{cronJob.Spec.TimeZone}\"");
            return null;
        }
        var now = Time.GetUtcNow();
        var plan = CronJobPlan.Next(cronJob, schedule, zone, Jobs(cronJob), now);
        if (plan.Told is { } told) Tell(cronJob.Metadata, told.Type, told.Reason, told.Message);
        foreach (var job in plan.Replaced.Concat(plan.Forgotten)) await DeleteAsync(cronJob, job, ct);
        if (plan.Start is { } start) await StartAsync(cronJob, start, ct);
        await ReportAsync(stored, cronJob, plan.Start, ct);
        return plan.WakeAt - now is { } wait ? TimeSpan.FromTicks(Math.Min(wait.Ticks, LongestWait.Ticks)) : null;
    }

    private IReadOnlyList<Job> Jobs(CronJob cronJob) =>
        [.. Store.State.All<Job>(JobTable, cronJob.Metadata.Namespace).Where(job => job.Metadata.Controller?.Uid == cronJob.Metadata.Uid && !job.Metadata.IsDeleted)];

    private async Task StartAsync(CronJob cronJob, DateTimeOffset at, CancellationToken ct)
    {
        var (name, template) = (CronJobPlan.NameFor(cronJob, at), cronJob.Spec.JobTemplate);
        var annotations = template.Obj("metadata", "annotations")?.Copy() ?? [];
        annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = KubeJson.Time(at);
        try
        {
            await Api.CreateAsync(ResourceKey.Jobs, cronJob.Metadata.Namespace, new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["name"] = name,
                    ["labels"] = template.Obj("metadata", "labels")?.Copy(),
                    ["annotations"] = annotations,
                    ["ownerReferences"] = new JsonArray(OwnerOf(cronJob.Metadata).Reference()),
                },
                ["spec"] = template.Obj("spec")?.Copy(),
            }, ct);
            Tell(cronJob.Metadata, "Normal", "SuccessfulCreate", $"Created job {name}");
        }
        catch (ApiException e) when (e.Reason == "AlreadyExists")
        {
            // Made before a restart that came before the status was written.
        }
    }

    private async Task DeleteAsync(CronJob cronJob, Job job, CancellationToken ct)
    {
        await Api.DeleteAsync(ResourceKey.Jobs, job.Metadata.Namespace, job.Metadata.Name,
            new JsonObject { ["propagationPolicy"] = "Background", ["preconditions"] = new JsonObject { ["uid"] = job.Metadata.Uid } }, ct);
        Tell(cronJob.Metadata, "Normal", "SuccessfulDelete", $"Deleted job {job.Metadata.Name}");
    }

    private Task ReportAsync(StoredObject stored, CronJob cronJob, DateTimeOffset? started, CancellationToken ct)
    {
        var jobs = Jobs(cronJob);
        var active = jobs.Where(job => !job.IsFinished).OrderBy(job => job.Metadata.Name, StringComparer.Ordinal).Select(job => (JsonNode)new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["namespace"] = job.Metadata.Namespace,
            ["name"] = job.Metadata.Name,
            ["uid"] = job.Metadata.Uid,
        }).ToArray();
        var status = new JsonObject { ["active"] = active.Length == 0 ? null : new JsonArray(active) };
        if (started is { } at) status["lastScheduleTime"] = KubeJson.Time(at);
        if (jobs.Max(job => job.Status.CompletionTime) is { } success) status["lastSuccessfulTime"] = KubeJson.Time(success);
        return WriteStatusAsync(stored, status, ct);
    }
}
