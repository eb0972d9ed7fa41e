using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record DeveloperConfiguration : ApiObject
{
    public bool? ClusterProfiler { get; init; }
    [ApiFormat("")]
    public int? CpuAllocationRatio { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? DisabledFeatureGates { get; init; }
    public DiskVerification? DiskVerification { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? FeatureGates { get; init; }
    public LogVerbosity? LogVerbosity { get; init; }
    [ApiMinimum(10)]
    [ApiFormat("")]
    public int? MemoryOvercommit { get; init; }
    public long? MinimumClusterTSCFrequency { get; init; }
    public ulong? MinimumReservePVCBytes { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelectors { get; init; }
    [ApiFormat("")]
    public int? PvcTolerateLessSpaceUpToPercent { get; init; }
    public bool? UseEmulation { get; init; }
}

public sealed record DiskVerification : ApiObject
{
    [ApiRequired]
    public Quantity? MemoryLimit { get; init; }
}

public sealed record LogVerbosity : ApiObject
{
    [ApiFormat("")]
    public IReadOnlyDictionary<string, ulong>? NodeVerbosity { get; init; }
    [ApiFormat("")]
    public ulong? VirtAPI { get; init; }
    [ApiFormat("")]
    public ulong? VirtController { get; init; }
    [ApiFormat("")]
    public ulong? VirtHandler { get; init; }
    [ApiFormat("")]
    public ulong? VirtLauncher { get; init; }
    [ApiFormat("")]
    public ulong? VirtOperator { get; init; }
    [ApiFormat("")]
    public ulong? VirtSynchronizationController { get; init; }
}
