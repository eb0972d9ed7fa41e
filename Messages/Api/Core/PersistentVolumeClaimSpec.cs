using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record PersistentVolumeClaimSpec : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? AccessModes { get; init; }
    public TypedLocalObjectReference? DataSource { get; init; }
    public TypedObjectReference? DataSourceRef { get; init; }
    public VolumeResourceRequirements? Resources { get; init; }
    public LabelSelector? Selector { get; init; }
    public string? StorageClassName { get; init; }
    public string? VolumeAttributesClassName { get; init; }
    public string? VolumeMode { get; init; }
    public string? VolumeName { get; init; }
}

[AtomicMap]
public sealed record TypedLocalObjectReference : ApiObject
{
    public string? ApiGroup { get; init; }
    [ApiRequired]
    public string? Kind { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record TypedObjectReference : ApiObject
{
    public string? ApiGroup { get; init; }
    [ApiRequired]
    public string? Kind { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? Namespace { get; init; }
}

public sealed record VolumeResourceRequirements : ApiObject
{
    public IReadOnlyDictionary<string, Quantity>? Limits { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Requests { get; init; }
}
