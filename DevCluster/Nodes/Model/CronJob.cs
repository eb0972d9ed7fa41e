using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record CronJob
{
    public ObjectMeta Metadata { get; set; } = new();
    public CronJobSpec Spec { get; set; } = new();
    public CronJobStatus Status { get; set; } = new();
}

public sealed record CronJobSpec
{
    public string Schedule { get; set; } = "";
    public string? TimeZone { get; set; }
    public long? StartingDeadlineSeconds { get; set; }
    public string ConcurrencyPolicy { get; set; } = "Allow";
    public bool Suspend { get; set; }
    public JsonObject JobTemplate { get; set; } = [];
    public int SuccessfulJobsHistoryLimit { get; set; } = 3;
    public int FailedJobsHistoryLimit { get; set; } = 1;
}

public sealed record CronJobStatus
{
    public DateTimeOffset? LastScheduleTime { get; set; }
}
