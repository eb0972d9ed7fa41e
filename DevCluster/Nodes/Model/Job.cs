using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record Job
{
    public ObjectMeta Metadata { get; init; } = new();
    public JobSpec Spec { get; init; } = new();
    public JobStatus Status { get; init; } = new();

    public bool IsFinished => Status.Conditions.Exists(condition => condition is { Type: "Complete" or "Failed", Status: "True" });
}

public sealed record JobSpec
{
    public int Parallelism { get; init; } = 1;
    public int? Completions { get; init; }
    public int BackoffLimit { get; init; } = 6;
    public long? ActiveDeadlineSeconds { get; init; }
    public int? TtlSecondsAfterFinished { get; init; }
    public string CompletionMode { get; init; } = "NonIndexed";
    public bool Suspend { get; init; }
    public LabelSelector Selector { get; init; } = new();
    public JsonObject Template { get; init; } = [];
}

public sealed record JobStatus
{
    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }
    public List<WorkloadCondition> Conditions { get; init; } = [];
}
