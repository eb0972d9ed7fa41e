using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Cdi;

/// <summary>What the storage class of the same name can do.</summary>
public sealed record StorageProfile : KubeObject
{
    public StorageProfileStatus? Status { get; init; }
}

public sealed record StorageProfileStatus : ApiObject
{
    public IReadOnlyList<ClaimPropertySet>? ClaimPropertySets { get; init; }
}

/// <summary>Access modes that go with a volume mode.</summary>
public sealed record ClaimPropertySet : ApiObject
{
    public IReadOnlyList<string>? AccessModes { get; init; }
    public string? VolumeMode { get; init; }
}
