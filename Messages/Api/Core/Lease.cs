using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>`coordination.k8s.io/v1` Lease.</summary>
public sealed record Lease : KubeObject
{
    public LeaseSpec? Spec { get; init; }
}

public sealed record LeaseSpec : ApiObject
{
    [JsonConverter(typeof(Rfc3339MicroConverter))]
    public DateTimeOffset? AcquireTime { get; init; }
    public string? HolderIdentity { get; init; }
    public int? LeaseDurationSeconds { get; init; }
    public int? LeaseTransitions { get; init; }
    [JsonConverter(typeof(Rfc3339MicroConverter))]
    public DateTimeOffset? RenewTime { get; init; }
}
