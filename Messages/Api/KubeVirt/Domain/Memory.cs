using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Memory : ApiObject
{
    public Quantity? Guest { get; init; }
    public Hugepages? Hugepages { get; init; }
    public Quantity? MaxGuest { get; init; }
    public ReservedOverhead? ReservedOverhead { get; init; }
}

public sealed record ResourceRequirements : ApiObject
{
    public IReadOnlyDictionary<string, Quantity>? Limits { get; init; }
    public bool? OvercommitGuestOverhead { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Requests { get; init; }
}

public sealed record Hugepages : ApiObject
{
    public string? PageSize { get; init; }
}

public sealed record ReservedOverhead : ApiObject
{
    public Quantity? AddedOverhead { get; init; }
    [ApiEnum("NotRequired", "Required")]
    public string? MemLock { get; init; }
}
