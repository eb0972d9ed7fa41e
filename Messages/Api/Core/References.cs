using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record PodDNSConfig : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? Nameservers { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<PodDNSConfigOption>? Options { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? Searches { get; init; }
}

public sealed record PodDNSConfigOption : ApiObject
{
    public string? Name { get; init; }
    public string? Value { get; init; }
}

[AtomicMap]
public sealed record LocalObjectReference : ApiObject
{
    [ApiDefault("\"\"")]
    public string? Name { get; init; }
}

public sealed record DownwardAPIVolumeFile : ApiObject
{
    public ObjectFieldSelector? FieldRef { get; init; }
    public int? Mode { get; init; }
    [ApiRequired]
    public string? Path { get; init; }
    public ResourceFieldSelector? ResourceFieldRef { get; init; }
}

public sealed record PersistentVolumeClaimVolume : ApiObject
{
    [ApiRequired]
    public string? ClaimName { get; init; }
    public bool? ReadOnly { get; init; }
}

[AtomicMap]
public sealed record ObjectFieldSelector : ApiObject
{
    public string? ApiVersion { get; init; }
    [ApiRequired]
    public string? FieldPath { get; init; }
}

[AtomicMap]
public sealed record ResourceFieldSelector : ApiObject
{
    public string? ContainerName { get; init; }
    public Quantity? Divisor { get; init; }
    [ApiRequired]
    public string? Resource { get; init; }
}
