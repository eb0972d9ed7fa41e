using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record DeveloperConfiguration : ApiObject
{
    public bool? ClusterProfiler { get; init; }
    public int? CpuAllocationRatio { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? DisabledFeatureGates { get; init; }
    public DiskVerification? DiskVerification { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? FeatureGates { get; init; }
    public LogVerbosity? LogVerbosity { get; init; }
    [ApiMinimum(10)]
    public int? MemoryOvercommit { get; init; }
    public long? MinimumClusterTSCFrequency { get; init; }
    public long? MinimumReservePVCBytes { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelectors { get; init; }
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
    public IReadOnlyDictionary<string, int>? NodeVerbosity { get; init; }
    public int? VirtAPI { get; init; }
    public int? VirtController { get; init; }
    public int? VirtHandler { get; init; }
    public int? VirtLauncher { get; init; }
    public int? VirtOperator { get; init; }
    public int? VirtSynchronizationController { get; init; }
}
