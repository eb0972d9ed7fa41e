using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Network : ApiObject
{
    public MultusNetwork? Multus { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public PodNetwork? Pod { get; init; }
    public ClaimRequest? ResourceClaim { get; init; }
}

public sealed record MultusNetwork : ApiObject
{
    public bool? Default { get; init; }
    [ApiRequired]
    public string? NetworkName { get; init; }
}

public sealed record PodNetwork : ApiObject
{
    public string? VmIPv6NetworkCIDR { get; init; }
    public string? VmNetworkCIDR { get; init; }
}
