namespace Troupe.Messages.Api.Meta;

/// <summary>One aspect of an object's state. KubeVirt has the same record under a name of its own for each kind.</summary>
public sealed record Condition : ApiObject
{
    [ApiNullable]
    public DateTimeOffset? LastProbeTime { get; init; }
    [ApiNullable]
    public DateTimeOffset? LastTransitionTime { get; init; }
    public string? Message { get; init; }
    /// <summary>A word in CamelCase for machines.</summary>
    public string? Reason { get; init; }
    /// <summary>True, False or Unknown.</summary>
    [ApiRequired]
    public string? Status { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}
