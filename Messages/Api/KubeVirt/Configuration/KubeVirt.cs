using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>The installation: what runs, and the cluster-wide settings of virtual machines.</summary>
public sealed record KubeVirt : KubeObject
{
    [ApiRequired]
    public KubeVirtSpec? Spec { get; init; }
    public KubeVirtStatus? Status { get; init; }
}

public sealed record KubeVirtSpec : ApiObject
{
    public KubeVirtCertificateRotateStrategy? CertificateRotateStrategy { get; init; }
    public KubeVirtConfiguration? Configuration { get; init; }
    public CustomizeComponents? CustomizeComponents { get; init; }
    public string? ImagePullPolicy { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<LocalObjectReference>? ImagePullSecrets { get; init; }
    public string? ImageRegistry { get; init; }
    public string? ImageTag { get; init; }
    public ComponentConfig? Infra { get; init; }
    public string? MonitorAccount { get; init; }
    public string? MonitorNamespace { get; init; }
    public string? ProductComponent { get; init; }
    public string? ProductName { get; init; }
    public string? ProductVersion { get; init; }
    public string? ServiceMonitorNamespace { get; init; }
    public string? SynchronizationPort { get; init; }
    /// <summary>RemoveWorkloads (default) or BlockUninstallIfWorkloadsExist.</summary>
    public string? UninstallStrategy { get; init; }
    public KubeVirtWorkloadUpdateStrategy? WorkloadUpdateStrategy { get; init; }
    public ComponentConfig? Workloads { get; init; }
}

public sealed record KubeVirtStatus : ApiObject
{
    public IReadOnlyList<Condition>? Conditions { get; init; }
    public string? DefaultArchitecture { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<GenerationStatus>? Generations { get; init; }
    public string? ObservedDeploymentConfig { get; init; }
    public string? ObservedDeploymentID { get; init; }
    public long? ObservedGeneration { get; init; }
    public string? ObservedKubeVirtRegistry { get; init; }
    public string? ObservedKubeVirtVersion { get; init; }
    public string? OperatorVersion { get; init; }
    [ApiFormat("")]
    public int? OutdatedVirtualMachineInstanceWorkloads { get; init; }
    public string? Phase { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? SynchronizationAddresses { get; init; }
    public string? TargetDeploymentConfig { get; init; }
    public string? TargetDeploymentID { get; init; }
    public string? TargetKubeVirtRegistry { get; init; }
    public string? TargetKubeVirtVersion { get; init; }
}

public sealed record GenerationStatus : ApiObject
{
    [ApiRequired]
    public string? Group { get; init; }
    public string? Hash { get; init; }
    [ApiRequired]
    public long? LastGeneration { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? Namespace { get; init; }
    [ApiRequired]
    public string? Resource { get; init; }
}
