using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record NetworkConfiguration : ApiObject
{
    public IReadOnlyDictionary<string, InterfaceBindingPlugin>? Binding { get; init; }
    public string? DefaultNetworkInterface { get; init; }
    public bool? PermitBridgeInterfaceOnPodNetwork { get; init; }
    public bool? PermitSlirpInterface { get; init; }
}

public sealed record InterfaceBindingPlugin : ApiObject
{
    public ResourceRequirementsWithoutClaims? ComputeResourceOverhead { get; init; }
    public string? DomainAttachmentType { get; init; }
    public string? DownwardAPI { get; init; }
    public InterfaceBindingMigration? Migration { get; init; }
    public string? NetworkAttachmentDefinition { get; init; }
    public string? SidecarImage { get; init; }
}

public sealed record InterfaceBindingMigration : ApiObject
{
    public string? Method { get; init; }
}

public sealed record ResourceRequirementsWithoutClaims : ApiObject
{
    public IReadOnlyDictionary<string, Quantity>? Limits { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Requests { get; init; }
}
