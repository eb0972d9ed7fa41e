using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Export;

public sealed record VirtualMachineExportLinks : ApiObject
{
    public VirtualMachineExportLink? External { get; init; }
    public VirtualMachineExportLink? Internal { get; init; }
}

public sealed record VirtualMachineExportLink : ApiObject
{
    [ListMapKeys("name")]
    public IReadOnlyList<VirtualMachineExportBackup>? Backups { get; init; }
    [ApiRequired]
    public string? Cert { get; init; }
    [ListMapKeys("type")]
    public IReadOnlyList<VirtualMachineExportManifest>? Manifests { get; init; }
    [ListMapKeys("name")]
    public IReadOnlyList<VirtualMachineExportVolume>? Volumes { get; init; }
}

public sealed record VirtualMachineExportManifest : ApiObject
{
    [ApiRequired]
    public string? Type { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record VirtualMachineExportVolume : ApiObject
{
    [ListMapKeys("format")]
    public IReadOnlyList<VirtualMachineExportVolumeFormat>? Formats { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record VirtualMachineExportVolumeFormat : ApiObject
{
    [ApiRequired]
    public string? Format { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}

public sealed record VirtualMachineExportBackup : ApiObject
{
    [ListMapKeys("endpoint")]
    public IReadOnlyList<VirtualMachineExportBackupEndpoint>? Endpoints { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record VirtualMachineExportBackupEndpoint : ApiObject
{
    [ApiRequired]
    public string? Endpoint { get; init; }
    [ApiRequired]
    public string? Url { get; init; }
}
