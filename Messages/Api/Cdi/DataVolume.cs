using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Cdi;

/// <summary>A PersistentVolumeClaim that is filled with an image, a copy or nothing before it is used.</summary>
public sealed record DataVolume : KubeObject
{
    [ApiRequired]
    public DataVolumeSpec? Spec { get; init; }
    public DataVolumeStatus? Status { get; init; }
}

public sealed record DataVolumeStatus : ApiObject
{
    public string? ClaimName { get; init; }
    public IReadOnlyList<DataVolumeCondition>? Conditions { get; init; }
    /// <summary>Pending, ImportInProgress, WaitForFirstConsumer, Succeeded, Failed and so on.</summary>
    public string? Phase { get; init; }
    /// <summary>A percentage such as `42.00%`, or `N/A`.</summary>
    public string? Progress { get; init; }
    public int? RestartCount { get; init; }
}

public sealed record DataVolumeCondition : ApiObject
{
    public DateTimeOffset? LastHeartbeatTime { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    [ApiRequired]
    public string? Status { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}
