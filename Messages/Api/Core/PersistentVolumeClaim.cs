using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record PersistentVolumeClaim : KubeObject
{
    public PersistentVolumeClaimSpec? Spec { get; init; }
    public PersistentVolumeClaimStatus? Status { get; init; }
}

public sealed record PersistentVolumeClaimStatus : ApiObject
{
    public IReadOnlyList<string>? AccessModes { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Capacity { get; init; }
    /// <summary>Pending, Bound or Lost.</summary>
    public string? Phase { get; init; }
}
