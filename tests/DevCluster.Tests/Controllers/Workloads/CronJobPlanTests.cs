using Cronos;
using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Nodes.Model;
using Xunit;

namespace Troupe.DevCluster.Tests.Controllers.Workloads;

public sealed class CronJobPlanTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_job_is_due_at_its_time_once_and_the_next_time_is_known()
    {
        var cronJob = Hourly(last: Noon.AddHours(-1));
        var early = Next(cronJob, Noon.AddSeconds(-1));
        Assert.Null(early.Start);
        Assert.Equal(Noon, early.WakeAt);
        var due = Next(cronJob, Noon.AddSeconds(2));
        Assert.Equal(Noon, due.Start);
        Assert.Equal(Noon.AddHours(1), due.WakeAt);
        // Its job is there though the status does not tell.
        Assert.Null(Next(cronJob, Noon.AddSeconds(2), Job(CronJobPlan.NameFor(cronJob, Noon))).Start);
        Assert.Null(Next(Hourly(last: Noon), Noon.AddMinutes(59)).Start);
    }

    [Fact]
    public void Of_many_missed_times_the_last_is_served_within_the_deadline()
    {
        var missed = Next(Hourly(last: Noon.AddDays(-10)), Noon.AddMinutes(5));
        Assert.Equal(Noon, missed.Start);
        Assert.Equal("TooManyMissedTimes", missed.Told?.Reason);
        var cronJob = Hourly(last: Noon.AddDays(-10));
        cronJob = cronJob with { Spec = cronJob.Spec with { StartingDeadlineSeconds = 60 } };
        Assert.Equal(Noon, Next(cronJob, Noon.AddSeconds(59)).Start);
        Assert.Null(Next(cronJob, Noon.AddSeconds(61)).Start);
    }

    [Theory]
    [InlineData("Allow", true, 0)]
    [InlineData("Forbid", false, 0)]
    [InlineData("Replace", true, 1)]
    public void The_policy_decides_about_a_job_that_still_runs(string policy, bool starts, int replaced)
    {
        var cronJob = Hourly(last: Noon.AddHours(-1));
        cronJob = cronJob with { Spec = cronJob.Spec with { ConcurrencyPolicy = policy } };
        var plan = Next(cronJob, Noon, Job("running"), Job("over", "Complete"));
        Assert.Equal((starts, replaced), (plan.Start is not null, plan.Replaced.Count));
        Assert.Equal(policy == "Forbid" ? "JobAlreadyActive" : null, plan.Told?.Reason);
        Assert.NotNull(Next(cronJob, Noon, Job("over", "Complete")).Start);
    }

    [Fact]
    public void Times_are_those_of_the_time_zone_also_when_its_clocks_change()
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var cronJob = new CronJob { Metadata = Hourly(Noon).Metadata };
        var (winter, summer) = (new DateTimeOffset(2026, 3, 28, 12, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 3, 29, 12, 0, 0, TimeSpan.Zero));
        var schedule = CronExpression.Parse("0 9 * * *");
        Assert.Equal(new DateTimeOffset(2026, 3, 28, 8, 0, 0, TimeSpan.Zero), CronJobPlan.Next(cronJob with { Status = new() { LastScheduleTime = winter.AddDays(-1) } }, schedule, zone, [], winter).Start);
        Assert.Equal(new DateTimeOffset(2026, 3, 29, 7, 0, 0, TimeSpan.Zero), CronJobPlan.Next(cronJob with { Status = new() { LastScheduleTime = winter } }, schedule, zone, [], summer).Start);
    }

    [Fact]
    public void What_is_suspended_rests_but_still_forgets_old_jobs()
    {
        var cronJob = Hourly(last: Noon.AddHours(-5));
        cronJob = cronJob with { Spec = cronJob.Spec with { Suspend = true, SuccessfulJobsHistoryLimit = 1, FailedJobsHistoryLimit = 0 } };
        var plan = Next(cronJob, Noon, Job("a", "Complete", 3), Job("b", "Complete", 1), Job("c", "Failed", 2), Job("d"));
        Assert.Null(plan.Start);
        Assert.Null(plan.WakeAt);
        Assert.Equal(["a", "c"], plan.Forgotten.Select(j => j.Metadata.Name));
    }

    private static CronJob Hourly(DateTimeOffset last) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "cj", Uid = "cj", CreationTimestamp = Noon.AddDays(-30) },
        Spec = new CronJobSpec { Schedule = "0 * * * *" },
        Status = new CronJobStatus { LastScheduleTime = last },
    };

    private static CronJobPlan Next(CronJob cronJob, DateTimeOffset now, params Job[] jobs) => CronJobPlan.Next(cronJob, CronExpression.Parse(cronJob.Spec.Schedule), TimeZoneInfo.Utc, jobs, now);

    private static Job Job(string name, string? end = null, int hoursAgo = 1) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = name, Uid = name },
        Status = new JobStatus { StartTime = Noon.AddHours(-hoursAgo), Conditions = end is null ? [] : [new WorkloadCondition { Type = end, Status = "True" }] },
    };
}
