using Cronos;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>What a cron job does next. Pure.</summary>
/// <param name="Start">The time for which a job is to be made now.</param>
/// <param name="Replaced">Running jobs that give way to it.</param>
/// <param name="Forgotten">Finished jobs beyond what is to be kept.</param>
/// <param name="Told">Type, reason and message of an event.</param>
/// <param name="WakeAt">When to look again.</param>
internal sealed record CronJobPlan(DateTimeOffset? Start, IReadOnlyList<Job> Replaced, IReadOnlyList<Job> Forgotten, (string Type, string Reason, string Message)? Told, DateTimeOffset? WakeAt)
{
    private const int ManyMissed = 100;

    /// <summary>So that a time is never served twice, whatever the status says.</summary>
    public static string NameFor(CronJob cronJob, DateTimeOffset time) => $"{cronJob.Metadata.Name}-{time.ToUnixTimeSeconds() / 60}";

    public static CronJobPlan Next(CronJob cronJob, CronExpression schedule, TimeZoneInfo zone, IReadOnlyList<Job> jobs, DateTimeOffset now)
    {
        List<Job> forgotten = [.. Beyond(jobs, "Complete", cronJob.Spec.SuccessfulJobsHistoryLimit), .. Beyond(jobs, "Failed", cronJob.Spec.FailedJobsHistoryLimit)];
        if (cronJob.Spec.Suspend) return new CronJobPlan(null, [], forgotten, null, null);
        var from = cronJob.Status.LastScheduleTime ?? cronJob.Metadata.CreationTimestamp ?? now;
        if (cronJob.Spec.StartingDeadlineSeconds is { } seconds && now - TimeSpan.FromSeconds(seconds) is var oldest && oldest > from) from = oldest;
        var (due, missed) = ((DateTimeOffset?)null, 0);
        for (var time = schedule.GetNextOccurrence(from, zone); time <= now; time = schedule.GetNextOccurrence(time.Value, zone)) (due, missed) = (time, missed + 1);
        var none = new CronJobPlan(null, [], forgotten, null, schedule.GetNextOccurrence(now, zone));
        if (due is not { } start || jobs.Any(job => job.Metadata.Name == NameFor(cronJob, start))) return none;
        var active = jobs.Where(job => !job.IsFinished).ToList();
        if (cronJob.Spec.ConcurrencyPolicy == "Forbid" && active.Count > 0)
            return none with { Told = ("Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid") };
        return none with
        {
            Start = start,
            Replaced = cronJob.Spec.ConcurrencyPolicy == "Replace" ? active : [],
            Told = missed > ManyMissed ? ("Warning", "TooManyMissedTimes", $"too many missed start times: {missed}. Set or decrease .spec.startingDeadlineSeconds or check clock skew") : null,
        };
    }

    private static IEnumerable<Job> Beyond(IEnumerable<Job> jobs, string end, int limit) =>
        jobs.Where(job => job.Status.Conditions.Exists(condition => condition.Type == end && condition.Status == "True")).OrderByDescending(job => job.Status.StartTime).ThenBy(job => job.Metadata.Name).Skip(limit);
}
