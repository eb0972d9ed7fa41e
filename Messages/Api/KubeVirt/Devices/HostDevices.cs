using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record GPU : ApiObject
{
    public string? ClaimName { get; init; }
    public string? DeviceName { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? RequestName { get; init; }
    public string? Tag { get; init; }
    public VGPUOptions? VirtualGPUOptions { get; init; }
}

public sealed record HostDevice : ApiObject
{
    public string? ClaimName { get; init; }
    public string? DeviceName { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? RequestName { get; init; }
    public string? Tag { get; init; }
}

public sealed record VGPUOptions : ApiObject
{
    public VGPUDisplayOptions? Display { get; init; }
}

public sealed record VGPUDisplayOptions : ApiObject
{
    public bool? Enabled { get; init; }
    public FeatureState? RamFB { get; init; }
}
