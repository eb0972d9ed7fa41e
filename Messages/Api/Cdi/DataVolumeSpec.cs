using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Cdi;

/// <summary>What a DataVolume is filled with and where it is stored.</summary>
public sealed record DataVolumeSpec : ApiObject
{
    public IReadOnlyList<DataVolumeCheckpoint>? Checkpoints { get; init; }
    [ApiEnum("kubevirt", "archive")]
    public string? ContentType { get; init; }
    public bool? FinalCheckpoint { get; init; }
    public bool? Preallocation { get; init; }
    public string? PriorityClassName { get; init; }
    public PersistentVolumeClaimSpec? Pvc { get; init; }
    public DataVolumeContentSource? Source { get; init; }
    public DataVolumeSourceRef? SourceRef { get; init; }
    public StorageSpec? Storage { get; init; }
}

public sealed record DataVolumeCheckpoint : ApiObject
{
    [ApiRequired]
    public string? Current { get; init; }
    [ApiRequired]
    public string? Previous { get; init; }
}

public sealed record StorageSpec : ApiObject
{
    public IReadOnlyList<string>? AccessModes { get; init; }
    public TypedLocalObjectReference? DataSource { get; init; }
    public TypedObjectReference? DataSourceRef { get; init; }
    public VolumeResourceRequirements? Resources { get; init; }
    public LabelSelector? Selector { get; init; }
    public string? StorageClassName { get; init; }
    public string? VolumeMode { get; init; }
    public string? VolumeName { get; init; }
}

public sealed record PlatformOptions : ApiObject
{
    public string? Architecture { get; init; }
}
