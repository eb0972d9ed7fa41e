using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Instancetype;

public sealed record CPUPreferences : ApiObject
{
    public IReadOnlyList<CPUFeature>? PreferredCPUFeatures { get; init; }
    /// <summary>Where an instance type's vCPUs go: sockets, cores, threads, spread or any.</summary>
    public string? PreferredCPUTopology { get; init; }
    public SpreadOptions? SpreadOptions { get; init; }
}

public sealed record SpreadOptions : ApiObject
{
    public string? Across { get; init; }
    /// <summary>vCPUs of the lower level for each of the upper; default 2.</summary>
    [ApiFormat("int32")]
    public long? Ratio { get; init; }
}

public sealed record ClockPreferences : ApiObject
{
    public ClockOffset? PreferredClockOffset { get; init; }
    public KubeVirt.Timer? PreferredTimer { get; init; }
}

public sealed record ClockOffset : ApiObject
{
    public string? Timezone { get; init; }
    public ClockOffsetUTC? Utc { get; init; }
}

public sealed record FeaturePreferences : ApiObject
{
    public FeatureState? PreferredAcpi { get; init; }
    public FeatureAPIC? PreferredApic { get; init; }
    public FeatureHyperv? PreferredHyperv { get; init; }
    public FeatureKVM? PreferredKvm { get; init; }
    public FeatureState? PreferredPvspinlock { get; init; }
    public FeatureState? PreferredSmm { get; init; }
}

public sealed record FirmwarePreferences : ApiObject
{
    public EFI? PreferredEfi { get; init; }
    public bool? PreferredUseBios { get; init; }
    public bool? PreferredUseBiosSerial { get; init; }
    public bool? PreferredUseEfi { get; init; }
    public bool? PreferredUseSecureBoot { get; init; }
}

public sealed record MachinePreferences : ApiObject
{
    public string? PreferredMachineType { get; init; }
}

public sealed record VolumePreferences : ApiObject
{
    public string? PreferredStorageClassName { get; init; }
}
