using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Volume : ApiObject
{
    public CloudInitConfigDriveSource? CloudInitConfigDrive { get; init; }
    public CloudInitNoCloudSource? CloudInitNoCloud { get; init; }
    public ConfigMapVolumeSource? ConfigMap { get; init; }
    public ContainerDiskSource? ContainerDisk { get; init; }
    public ContainerPathVolumeSource? ContainerPath { get; init; }
    public DataVolumeSource? DataVolume { get; init; }
    public DownwardAPIVolumeSource? DownwardAPI { get; init; }
    public DownwardMetricsVolumeSource? DownwardMetrics { get; init; }
    public EmptyDiskSource? EmptyDisk { get; init; }
    public EphemeralVolumeSource? Ephemeral { get; init; }
    public HostDisk? HostDisk { get; init; }
    public MemoryDumpVolumeSource? MemoryDump { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public PersistentVolumeClaimVolumeSource? PersistentVolumeClaim { get; init; }
    public SecretVolumeSource? Secret { get; init; }
    public ServiceAccountVolumeSource? ServiceAccount { get; init; }
    public SysprepSource? Sysprep { get; init; }
}

[AtomicMap]
public sealed record ConfigMapVolumeSource : ApiObject
{
    [ApiDefault("\"\"")]
    public string? Name { get; init; }
    public bool? Optional { get; init; }
    public string? VolumeLabel { get; init; }
}

public sealed record ContainerDiskSource : ApiObject
{
    [ApiRequired]
    public string? Image { get; init; }
    public string? ImagePullPolicy { get; init; }
    public string? ImagePullSecret { get; init; }
    public string? Path { get; init; }
}

public sealed record ContainerPathVolumeSource : ApiObject
{
    [ApiRequired]
    [ApiMaxLength(4096)]
    [ApiRule("self.startsWith('/')", "path must be absolute (start with '/')")]
    [ApiRule("!self.contains('..')", "path must not contain '..'")]
    public string? Path { get; init; }
    [ApiDefault("true")]
    [ApiRule("self == true", "readOnly must be true, write access is not supported")]
    public bool? ReadOnly { get; init; }
}

public sealed record DataVolumeSource : ApiObject
{
    public bool? Hotpluggable { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record DownwardAPIVolumeSource : ApiObject
{
    public IReadOnlyList<Core.DownwardAPIVolumeFile>? Fields { get; init; }
    public string? VolumeLabel { get; init; }
}

public sealed record DownwardMetricsVolumeSource : ApiObject;

public sealed record EmptyDiskSource : ApiObject
{
    [ApiRequired]
    public Quantity? Capacity { get; init; }
}

public sealed record EphemeralVolumeSource : ApiObject
{
    public Core.PersistentVolumeClaimVolume? PersistentVolumeClaim { get; init; }
}

public sealed record MemoryDumpVolumeSource : ApiObject
{
    [ApiRequired]
    public string? ClaimName { get; init; }
    public bool? Hotpluggable { get; init; }
    public bool? ReadOnly { get; init; }
}

public sealed record PersistentVolumeClaimVolumeSource : ApiObject
{
    [ApiRequired]
    public string? ClaimName { get; init; }
    public bool? Hotpluggable { get; init; }
    public bool? ReadOnly { get; init; }
}

public sealed record SecretVolumeSource : ApiObject
{
    public bool? Optional { get; init; }
    public string? SecretName { get; init; }
    public string? VolumeLabel { get; init; }
}

public sealed record ServiceAccountVolumeSource : ApiObject
{
    public string? ServiceAccountName { get; init; }
}
