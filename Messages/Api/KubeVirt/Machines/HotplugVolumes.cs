using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record AddVolumeOptions : ApiObject
{
    [ApiRequired]
    public Disk? Disk { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? DryRun { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public HotplugVolumeSource? VolumeSource { get; init; }
}

public sealed record RemoveVolumeOptions : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? DryRun { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record HotplugVolumeSource : ApiObject
{
    public DataVolumeSource? DataVolume { get; init; }
    public PersistentVolumeClaimVolumeSource? PersistentVolumeClaim { get; init; }
}
