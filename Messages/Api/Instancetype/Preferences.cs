using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Instancetype;

/// <summary>What a guest system prefers, for use in its namespace; it only fills what a machine leaves open.</summary>
public sealed record VirtualMachinePreference : KubeObject
{
    [ApiRequired]
    public VirtualMachinePreferenceSpec? Spec { get; init; }
}

/// <summary>What a guest system prefers, for use in all namespaces; it only fills what a machine leaves open.</summary>
public sealed record VirtualMachineClusterPreference : KubeObject
{
    [ApiRequired]
    public VirtualMachinePreferenceSpec? Spec { get; init; }
}

public sealed record VirtualMachinePreferenceSpec : ApiObject
{
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    public ClockPreferences? Clock { get; init; }
    public CPUPreferences? Cpu { get; init; }
    public DevicePreferences? Devices { get; init; }
    public FeaturePreferences? Features { get; init; }
    public FirmwarePreferences? Firmware { get; init; }
    public MachinePreferences? Machine { get; init; }
    [ApiFormat("int32")]
    public long? PreferSpreadSocketToCoreRatio { get; init; }
    public string? PreferredArchitecture { get; init; }
    public LaunchSecurity? PreferredLaunchSecurity { get; init; }
    public string? PreferredSubdomain { get; init; }
    public long? PreferredTerminationGracePeriodSeconds { get; init; }
    public PreferenceRequirements? Requirements { get; init; }
    public VolumePreferences? Volumes { get; init; }
}

/// <summary>The least that the guest system needs; a machine below it is refused.</summary>
public sealed record PreferenceRequirements : ApiObject
{
    public string? Architecture { get; init; }
    public CPUPreferenceRequirement? Cpu { get; init; }
    public MemoryPreferenceRequirement? Memory { get; init; }
}

public sealed record CPUPreferenceRequirement : ApiObject
{
    [ApiRequired]
    [ApiFormat("int32")]
    public long? Guest { get; init; }
}

public sealed record MemoryPreferenceRequirement : ApiObject
{
    [ApiRequired]
    public Quantity? Guest { get; init; }
}
