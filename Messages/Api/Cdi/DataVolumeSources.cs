using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Cdi;

/// <summary>Where a DataVolume's data come from; exactly one member is set. It is CDI's DataVolumeSource, renamed because KubeVirt's volume source has that name.</summary>
public sealed record DataVolumeContentSource : ApiObject
{
    public DataVolumeBlankImage? Blank { get; init; }
    public DataVolumeSourceGCS? Gcs { get; init; }
    public DataVolumeSourceHTTP? Http { get; init; }
    public DataVolumeSourceImageIO? Imageio { get; init; }
    public DataVolumeSourcePVC? Pvc { get; init; }
    public DataVolumeSourceRegistry? Registry { get; init; }
    public DataVolumeSourceS3? S3 { get; init; }
    public DataVolumeSourceSnapshot? Snapshot { get; init; }
    public DataVolumeSourceUpload? Upload { get; init; }
    public DataVolumeSourceVDDK? Vddk { get; init; }
}

public sealed record DataVolumeSourceRef : ApiObject
{
    [ApiRequired]
    public string? Kind { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? Namespace { get; init; }
}

public sealed record DataVolumeBlankImage : ApiObject;

public sealed record DataVolumeSourceGCS : ApiObject
{
    public string? SecretRef { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record DataVolumeSourceHTTP : ApiObject
{
    public string? CertConfigMap { get; init; }
    public IReadOnlyList<string>? ExtraHeaders { get; init; }
    public IReadOnlyList<string>? SecretExtraHeaders { get; init; }
    public string? SecretRef { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record DataVolumeSourceImageIO : ApiObject
{
    public string? CertConfigMap { get; init; }
    [ApiRequired]
    public string? DiskId { get; init; }
    public bool? InsecureSkipVerify { get; init; }
    public string? SecretRef { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record DataVolumeSourcePVC : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public string? Namespace { get; init; }
}

public sealed record DataVolumeSourceRegistry : ApiObject
{
    public string? CertConfigMap { get; init; }
    public string? ImageStream { get; init; }
    public PlatformOptions? Platform { get; init; }
    public string? PullMethod { get; init; }
    public string? SecretRef { get; init; }
    public string? Url { get; init; }
}

public sealed record DataVolumeSourceS3 : ApiObject
{
    public string? CertConfigMap { get; init; }
    public string? SecretRef { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record DataVolumeSourceSnapshot : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public string? Namespace { get; init; }
}

public sealed record DataVolumeSourceUpload : ApiObject;

public sealed record DataVolumeSourceVDDK : ApiObject
{
    public string? BackingFile { get; init; }
    public string? ExtraArgs { get; init; }
    public string? InitImageURL { get; init; }
    public string? SecretRef { get; init; }
    public string? Thumbprint { get; init; }
    public string? Url { get; init; }
    public string? Uuid { get; init; }
}
