using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Configuration;

/// <summary>How far a feature has come, and with it whether its gate is open when nobody says anything.</summary>
public enum GateState
{
    /// <summary>Off unless switched on.</summary>
    Alpha,

    /// <summary>On unless switched off.</summary>
    Beta,

    /// <summary>Always on.</summary>
    GenerallyAvailable,

    /// <summary>Off unless switched on, with a warning where it is used.</summary>
    Deprecated,

    /// <summary>Gone: what still uses it is refused.</summary>
    Discontinued,
}

/// <param name="Message">Said where a deprecated or discontinued feature is used.</param>
/// <param name="UsedBy">Whether a VMI uses it; null when that can't be seen from the spec.</param>
public sealed record FeatureGate(string Name, GateState State, string? Message = null, Func<VirtualMachineInstanceSpec, bool>? UsedBy = null);

/// <summary>KubeVirt's feature gates and the state they have in the release whose API Troupe speaks.</summary>
public static class FeatureGates
{
    public const string AlignCPUs = "AlignCPUs";
    public const string ContainerPathVolumes = "ContainerPathVolumes";
    public const string DecentralizedLiveMigration = "DecentralizedLiveMigration";
    public const string DeclarativeHotplugVolumes = "DeclarativeHotplugVolumes";
    public const string DownwardMetrics = "DownwardMetrics";
    public const string ExperimentalIgnitionSupport = "ExperimentalIgnitionSupport";
    public const string ExternalNetResourceInjection = "ExternalNetResourceInjection";
    public const string GPUsWithDRA = "GPUsWithDRA";
    public const string GraceIOVirtualization = "GraceIOVirtualization";
    public const string HostDevices = "HostDevices";
    public const string HostDevicesWithDRA = "HostDevicesWithDRA";
    public const string HostDisk = "HostDisk";
    public const string HypervStrictCheck = "HypervStrictCheck";
    public const string ImageVolume = "ImageVolume";
    public const string IncrementalBackup = "IncrementalBackup";
    public const string IOMMUFD = "IOMMUFD";
    public const string KubevirtSeccompProfile = "KubevirtSeccompProfile";
    public const string MigrationDowntimeTuning = "MigrationDowntimeTuning";
    public const string MigrationStallDetection = "MigrationStallDetection";
    public const string NetworkDevicesWithDRA = "NetworkDevicesWithDRA";
    public const string NodeRestriction = "NodeRestriction";
    public const string NUMA = "NUMA";
    public const string ObjectGraph = "ObjectGraph";
    public const string OCIExport = "OCIExport";
    public const string OptOutRoleAggregation = "OptOutRoleAggregation";
    public const string PasstBinding = "PasstBinding";
    public const string PCINUMAAwareTopology = "PCINUMAAwareTopology";
    public const string PersistentReservation = "PersistentReservation";
    public const string PortRangesSpec = "PortRangesSpec";
    public const string RebootPolicy = "RebootPolicy";
    public const string ReservedOverheadMemlock = "ReservedOverheadMemlock";
    public const string Root = "Root";
    public const string Sidecar = "Sidecar";
    public const string Snapshot = "Snapshot";
    public const string Template = "Template";
    public const string UtilityVolumes = "UtilityVolumes";
    public const string VirtioFsStorageVolumes = "EnableVirtioFsStorageVolumes";
    public const string VSOCK = "VSOCK";
    public const string WorkloadEncryptionSEV = "WorkloadEncryptionSEV";
    public const string WorkloadEncryptionTDX = "WorkloadEncryptionTDX";

    private static readonly string[] Alpha =
    [
        AlignCPUs, "ConfigurableHypervisor", ContainerPathVolumes, "CPUManager", "CrossArchitectureVirtualization", DecentralizedLiveMigration, DownwardMetrics,
        VirtioFsStorageVolumes, ExperimentalIgnitionSupport, "FirmwareAutoSelection", GraceIOVirtualization, HostDevices, HostDisk, HypervStrictCheck,
        IncrementalBackup, IOMMUFD, MigrationDowntimeTuning, MigrationStallDetection, NetworkDevicesWithDRA, ObjectGraph, OCIExport, PCINUMAAwareTopology, "Plugins", PortRangesSpec,
        ReservedOverheadMemlock, Root, Sidecar, UtilityVolumes, "VGPULiveMigration", "VMStatsCollector", VSOCK, WorkloadEncryptionTDX,
    ];

    private static readonly string[] Beta =
    [
        DeclarativeHotplugVolumes, ExternalNetResourceInjection, GPUsWithDRA, HostDevicesWithDRA, ImageVolume, KubevirtSeccompProfile, "LibvirtHooksServerAndClient",
        NodeRestriction, OptOutRoleAggregation, PasstBinding, "PodSecondaryInterfaceNamingUpgrade", RebootPolicy, Snapshot, Template, "VmiMemoryOverheadReport",
        WorkloadEncryptionSEV,
    ];

    private static readonly string[] GenerallyAvailable =
    [
        "AutoResourceLimitsGate", "BochsDisplayForEFIGuests", "ClusterProfiler", "CommonInstancetypesDeploymentGate", "CPUNodeDiscovery", "DisableCustomSELinuxPolicy",
        "DynamicPodInterfaceNaming", "EnableVirtioFsConfigVolumes", "ExpandDisks", "GPU", "HotplugNICs", "InstancetypeReferencePolicy", "LiveMigration", "LiveUpdateNADRef",
        "MigrationPriorityQueue", "NetworkBindingPlugins", "NonRoot", NUMA, "PanicDevices", PersistentReservation, "PSA", "SecureExecution", "SRIOVLiveMigration",
        "VideoConfig", "VMExport", "VMLiveUpdateFeatures", "VMPersistentState", "VolumeMigration", "VolumesUpdateStrategy",
    ];

    private static readonly FeatureGate[] Leaving =
    [
        new("DockerSELinuxMCSWorkaround", GateState.Deprecated, "DockerSELinuxMCSWorkaround has been deprecated since v1.4."),
        new("MultiArchitecture", GateState.Deprecated, "MultiArchitecture has been deprecated since v1.8.0"),
        new("DisableMDEVConfiguration", GateState.Deprecated, "DisableMDEVConfiguration has been deprecated since v1.8.0"),
        new("HotplugVolumes", GateState.Deprecated, "HotplugVolumes has been deprecated since v1.9.0 and has been replaced by DeclarativeHotplugVolumes"),
        new("ExperimentalVirtiofsSupport", GateState.Discontinued,
            "Virtiofs ExperimentalVirtiofsSupport feature gate is discontinued since v1.7. Please use EnableVirtioFsConfigVolumes or EnableVirtioFsPVC feature gates instead"),
        new("Passt", GateState.Discontinued, "Passt network binding is discontinued since v1.3. Please refer to Kubevirt user guide for alternatives.",
            spec => spec.Domain?.Devices?.Interfaces?.Any(i => i.Passt is not null) is true),
        new("Macvtap", GateState.Discontinued, "Macvtap network binding is discontinued since v1.3. Please refer to Kubevirt user guide for alternatives.",
            spec => spec.Domain?.Devices?.Interfaces?.Any(i => i.Macvtap is not null) is true),
        new("PasstIPStackMigration", GateState.Discontinued,
            "Seamless migration with passt network binding plugin is no longer supported since KubeVirt v1.8. Please use the passt core binding instead."),
    ];

    private static readonly Dictionary<string, FeatureGate> All =
        Alpha.Select(n => new FeatureGate(n, GateState.Alpha))
            .Concat(Beta.Select(n => new FeatureGate(n, GateState.Beta)))
            .Concat(GenerallyAvailable.Select(n => new FeatureGate(n, GateState.GenerallyAvailable, RedundantMessage(n))))
            .Concat(Leaving)
            .ToDictionary(g => g.Name, StringComparer.Ordinal);

    public static FeatureGate? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>General availability beats everything, then what was switched on, then what was switched off, then the state's default.</summary>
    public static bool IsEnabled(string name, IReadOnlyCollection<string> enabled, IReadOnlyCollection<string> disabled) => Find(name) switch
    {
        null => false,
        { State: GateState.GenerallyAvailable } => true,
        _ when enabled.Contains(name) => true,
        _ when disabled.Contains(name) => false,
        { State: var state } => state is GateState.Beta,
    };

    private static string RedundantMessage(string name) =>
        $"feature gate {name} is deprecated (feature state is \"General Availability\"), therefore it can be safely removed and is redundant. "
        + "For more info, please look at: https://github.com/kubevirt/kubevirt/blob/main/docs/deprecation.md";
}
