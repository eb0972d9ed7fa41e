using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record Job
{
    public ObjectMeta Metadata { get; set; } = new();
    public JobSpec Spec { get; set; } = new();
    public JobStatus Status { get; set; } = new();

    public bool IsFinished => Status.Conditions.Exists(condition => condition is { Type: "Complete" or "Failed", Status: "True" });
}

public sealed record JobSpec
{
    public int Parallelism { get; set; } = 1;
    public int? Completions { get; set; }
    public int BackoffLimit { get; set; } = 6;
    public long? ActiveDeadlineSeconds { get; set; }
    public int? TtlSecondsAfterFinished { get; set; }
    public string CompletionMode { get; set; } = "NonIndexed";
    public bool Suspend { get; set; }
    public LabelSelector Selector { get; set; } = new();
    public JsonObject Template { get; set; } = [];
}

public sealed record JobStatus
{
    public DateTimeOffset? StartTime { get; set; }
    public DateTimeOffset? CompletionTime { get; set; }
    public List<WorkloadCondition> Conditions { get; set; } = [];
}
