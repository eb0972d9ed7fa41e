using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>Body of the start subresource.</summary>
public sealed record StartOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    public string? Kind { get; init; }
    public bool? Paused { get; init; }
}

/// <summary>Body of the stop subresource.</summary>
public sealed record StopOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    /// <summary>Seconds the guest gets to shut down.</summary>
    public long? GracePeriod { get; init; }
    public string? Kind { get; init; }
}

/// <summary>Body of the restart subresource.</summary>
public sealed record RestartOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    /// <summary>Zero forces the restart; other values are refused.</summary>
    public long? GracePeriodSeconds { get; init; }
    public string? Kind { get; init; }
}

/// <summary>Body of the migrate subresource.</summary>
public sealed record MigrateOptions : ApiObject
{
    public IReadOnlyDictionary<string, string>? AddedNodeSelector { get; init; }
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    public string? Kind { get; init; }
}

/// <summary>Body of the evacuate/cancel subresource.</summary>
public sealed record EvacuateCancelOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    [ApiRequired]
    public string? EvacuationNodeName { get; init; }
    public string? Kind { get; init; }
}
