using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>The part of a Pod that Troupe reads and writes; everything else is kept as unknown fields.</summary>
public sealed record Pod : KubeObject
{
    public PodSpec? Spec { get; init; }
    public PodStatus? Status { get; init; }
}

public sealed record PodSpec : ApiObject
{
    public Affinity? Affinity { get; init; }
    public bool? AutomountServiceAccountToken { get; init; }
    public IReadOnlyList<Container>? Containers { get; init; }
    public PodDNSConfig? DnsConfig { get; init; }
    public string? DnsPolicy { get; init; }
    public bool? EnableServiceLinks { get; init; }
    public string? Hostname { get; init; }
    public IReadOnlyList<LocalObjectReference>? ImagePullSecrets { get; init; }
    public IReadOnlyList<Container>? InitContainers { get; init; }
    public string? NodeName { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
    public string? PriorityClassName { get; init; }
    public IReadOnlyList<PodReadinessGate>? ReadinessGates { get; init; }
    public IReadOnlyList<PodResourceClaim>? ResourceClaims { get; init; }
    public string? RestartPolicy { get; init; }
    public string? RuntimeClassName { get; init; }
    public string? SchedulerName { get; init; }
    public PodSecurityContext? SecurityContext { get; init; }
    public string? ServiceAccountName { get; init; }
    public string? Subdomain { get; init; }
    public long? TerminationGracePeriodSeconds { get; init; }
    public IReadOnlyList<Toleration>? Tolerations { get; init; }
    public IReadOnlyList<TopologySpreadConstraint>? TopologySpreadConstraints { get; init; }
    public IReadOnlyList<PodVolume>? Volumes { get; init; }
}

public sealed record PodResourceClaim : ApiObject
{
    public string? Name { get; init; }
    public string? ResourceClaimName { get; init; }
    public string? ResourceClaimTemplateName { get; init; }
}

public sealed record PodReadinessGate : ApiObject
{
    public string? ConditionType { get; init; }
}

public sealed record PodSecurityContext : ApiObject
{
    public long? FsGroup { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public long? RunAsUser { get; init; }
    public SeccompProfile? SeccompProfile { get; init; }
}

public sealed record SeccompProfile : ApiObject
{
    public string? LocalhostProfile { get; init; }
    public string? Type { get; init; }
}

public sealed record PodStatus : ApiObject
{
    public IReadOnlyList<PodCondition>? Conditions { get; init; }
    public IReadOnlyList<ContainerStatus>? ContainerStatuses { get; init; }
    public string? HostIP { get; init; }
    public IReadOnlyList<ContainerStatus>? InitContainerStatuses { get; init; }
    public string? Message { get; init; }
    public string? Phase { get; init; }
    public string? PodIP { get; init; }
    public IReadOnlyList<PodIP>? PodIPs { get; init; }
    public string? QosClass { get; init; }
    public string? Reason { get; init; }
    public DateTimeOffset? StartTime { get; init; }
}

public sealed record PodIP : ApiObject
{
    public string? Ip { get; init; }
}

public sealed record PodCondition : ApiObject
{
    public DateTimeOffset? LastProbeTime { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public string? Status { get; init; }
    public string? Type { get; init; }
}

public sealed record ContainerStatus : ApiObject
{
    [JsonPropertyName("containerID")]
    public string? ContainerId { get; init; }
    public string? Image { get; init; }
    [JsonPropertyName("imageID")]
    public string? ImageId { get; init; }
    public string? Name { get; init; }
    public bool? Ready { get; init; }
    public int? RestartCount { get; init; }
    public bool? Started { get; init; }
    public ContainerState? State { get; init; }
}

public sealed record ContainerState : ApiObject
{
    public ContainerStateRunning? Running { get; init; }
    public ContainerStateTerminated? Terminated { get; init; }
    public ContainerStateWaiting? Waiting { get; init; }
}

public sealed record ContainerStateRunning : ApiObject
{
    public DateTimeOffset? StartedAt { get; init; }
}

public sealed record ContainerStateTerminated : ApiObject
{
    public int? ExitCode { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public int? Signal { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
}

public sealed record ContainerStateWaiting : ApiObject
{
    public string? Message { get; init; }
    public string? Reason { get; init; }
}
