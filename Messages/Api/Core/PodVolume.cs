using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>A pod's volume (`v1.Volume`; named so that it is not mistaken for a VMI's volume).</summary>
public sealed record PodVolume : ApiObject
{
    public ConfigMapVolume? ConfigMap { get; init; }
    public DownwardAPIVolume? DownwardAPI { get; init; }
    public EmptyDirVolume? EmptyDir { get; init; }
    public HostPathVolume? HostPath { get; init; }
    public ImageVolume? Image { get; init; }
    public string? Name { get; init; }
    public PersistentVolumeClaimVolume? PersistentVolumeClaim { get; init; }
    public SecretVolume? Secret { get; init; }
}

public sealed record DownwardAPIVolume : ApiObject
{
    public IReadOnlyList<DownwardAPIVolumeFile>? Items { get; init; }
}

public sealed record EmptyDirVolume : ApiObject
{
    public string? Medium { get; init; }
    public Quantity? SizeLimit { get; init; }
}

public sealed record HostPathVolume : ApiObject
{
    public string? Path { get; init; }
    public string? Type { get; init; }
}

/// <summary>An OCI image mounted read-only (KEP-4639).</summary>
public sealed record ImageVolume : ApiObject
{
    public string? PullPolicy { get; init; }
    public string? Reference { get; init; }
}

public sealed record ConfigMapVolume : ApiObject
{
    public int? DefaultMode { get; init; }
    public string? Name { get; init; }
    public bool? Optional { get; init; }
}

public sealed record SecretVolume : ApiObject
{
    public bool? Optional { get; init; }
    public string? SecretName { get; init; }
}
