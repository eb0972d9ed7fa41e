using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record VirtualMachineInstance : KubeObject
{
    [ApiRequired]
    public VirtualMachineInstanceSpec? Spec { get; init; }
    public VirtualMachineInstanceStatus? Status { get; init; }
}

public sealed record VirtualMachineInstanceSpec : ApiObject
{
    [ListType("atomic")]
    [ApiMaxItems(256)]
    public IReadOnlyList<AccessCredential>? AccessCredentials { get; init; }
    public Core.Affinity? Affinity { get; init; }
    public string? Architecture { get; init; }
    public Core.PodDNSConfig? DnsConfig { get; init; }
    public string? DnsPolicy { get; init; }
    [ApiRequired]
    public DomainSpec? Domain { get; init; }
    public string? EvictionStrategy { get; init; }
    public string? Hostname { get; init; }
    public Probe? LivenessProbe { get; init; }
    [ApiMaxItems(256)]
    public IReadOnlyList<Network>? Networks { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
    public string? PriorityClassName { get; init; }
    public Probe? ReadinessProbe { get; init; }
    [ListMapKeys("name")]
    public IReadOnlyList<VirtualMachineInstanceResourceClaim>? ResourceClaims { get; init; }
    public string? SchedulerName { get; init; }
    public string? ServiceAccountName { get; init; }
    public string? StartStrategy { get; init; }
    public string? Subdomain { get; init; }
    public long? TerminationGracePeriodSeconds { get; init; }
    public IReadOnlyList<Core.Toleration>? Tolerations { get; init; }
    [ListMapKeys("topologyKey", "whenUnsatisfiable")]
    public IReadOnlyList<Core.TopologySpreadConstraint>? TopologySpreadConstraints { get; init; }
    [ListMapKeys("name")]
    [ApiMaxItems(256)]
    public IReadOnlyList<UtilityVolume>? UtilityVolumes { get; init; }
    [ApiMaxItems(256)]
    public IReadOnlyList<Volume>? Volumes { get; init; }
}

public sealed record UtilityVolume : ApiObject
{
    [ApiRequired]
    public string? ClaimName { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public bool? ReadOnly { get; init; }
    public string? Type { get; init; }
}

public sealed record VirtualMachineInstanceResourceClaim : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    public string? ResourceClaimName { get; init; }
    public string? ResourceClaimTemplateName { get; init; }
}

public sealed record ClaimRequest : ApiObject
{
    public string? ClaimName { get; init; }
    public string? RequestName { get; init; }
}
