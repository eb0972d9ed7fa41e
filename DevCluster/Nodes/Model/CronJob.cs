using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record CronJob
{
    public ObjectMeta Metadata { get; init; } = new();
    public CronJobSpec Spec { get; init; } = new();
    public CronJobStatus Status { get; init; } = new();
}

public sealed record CronJobSpec
{
    public string Schedule { get; init; } = "";
    public string? TimeZone { get; init; }
    public long? StartingDeadlineSeconds { get; init; }
    public string ConcurrencyPolicy { get; init; } = "Allow";
    public bool Suspend { get; init; }
    public JsonObject JobTemplate { get; init; } = [];
    public int SuccessfulJobsHistoryLimit { get; init; } = 3;
    public int FailedJobsHistoryLimit { get; init; } = 1;
}

public sealed record CronJobStatus
{
    public DateTimeOffset? LastScheduleTime { get; init; }
}
