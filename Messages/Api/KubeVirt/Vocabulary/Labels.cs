namespace Troupe.Messages.Api.KubeVirt.Vocabulary;

/// <summary>Label keys on VMIs, launcher pods and nodes.</summary>
public static class Labels
{
    public const string App = "kubevirt.io";
    public const string LauncherApp = "virt-launcher";
    /// <summary>A pod that brings a plugged volume to its guest's node.</summary>
    public const string HotplugApp = "hotplug-disk";
    public const string CreatedBy = "kubevirt.io/created-by";
    public const string NodeName = "kubevirt.io/nodeName";
    public const string VmName = "vm.kubevirt.io/name";
    public const string VmiId = "vmi.kubevirt.io/id";
    public const string Schedulable = "kubevirt.io/schedulable";
    public const string Arch = "kubernetes.io/arch";
    public const string CpuModelPrefix = "cpu-model.node.kubevirt.io/";
    public const string CpuFeaturePrefix = "cpu-feature.node.kubevirt.io/";
    public const string CpuVendorPrefix = "cpu-vendor.node.kubevirt.io/";
    public const string HostModelPrefix = "host-model-cpu.node.kubevirt.io/";
    public const string HostModelFeaturePrefix = "host-model-required-features.node.kubevirt.io/";
    public const string MachineTypePrefix = "machine-type.node.kubevirt.io/";
    public const string OutdatedLauncherImage = "kubevirt.io/outdatedLauncherImage";
    public const string ObsoleteHostModel = "node-labeller.kubevirt.io/obsolete-host-model";
}

/// <summary>Annotation keys.</summary>
public static class Annotations
{
    public const string Domain = "kubevirt.io/domain";
    public const string Heartbeat = "kubevirt.io/heartbeat";
    public const string MemoryOverheadBytes = "kubevirt.io/memory-overhead-bytes";
    public const string MigrationTransportUnix = "kubevirt.io/migrationTransportUnix";
    public const string PciTopologyVersion = "kubevirt.io/pci-topology-version";
    public const string DefaultContainer = "kubectl.kubernetes.io/default-container";
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>On a claim: the file that the last memory dump left on it.</summary>
    public const string MemoryDump = "kubevirt.io/memory-dump";
    public const string OwnerVmiName = "kubevirt.io/owner-vmi-name";
    public const string OwnerVmiUid = "kubevirt.io/owner-vmi-uid";
    public const string RequestEvictOnly = "descheduler.alpha.kubernetes.io/request-evict-only";
    public const string Evict = "descheduler.alpha.kubernetes.io/evict";
    public const string PreferNoEviction = "descheduler.alpha.kubernetes.io/prefer-no-eviction";
    public const string EvictionInProgress = "descheduler.alpha.kubernetes.io/eviction-in-progress";

    /// <summary>Who asked for a VMI's eviction; <see cref="Descheduler"/> is the only value.</summary>
    public const string EvictionSource = "kubevirt.io/eviction-source";
    public const string Descheduler = "descheduler";

    /// <summary>On a migration that an eviction or a drained node made: the node's name.</summary>
    public const string EvacuationMigration = "kubevirt.io/evacuationMigration";
    public const string WorkloadUpdateMigration = "kubevirt.io/workloadUpdateMigration";

    /// <summary>On a VMI: whatever change wanted a migration is to be left (KubeVirt's tests set it).</summary>
    public const string WorkloadUpdateAbortion = "kubevirt.io/testWorkloadUpdateMigrationAbortion";
}

public static class Finalizers
{
    /// <summary>Keeps a deleted VMI until its guest is down and its pod is gone.</summary>
    public const string ForegroundDelete = "kubevirt.io/foregroundDeleteVirtualMachine";

    /// <summary>The same, as VMIs made before KubeVirt qualified its finalizers carry it.</summary>
    public const string ForegroundDeleteLegacy = "foregroundDeleteVirtualMachine";
}

/// <summary>`status.phase` of a VMI.</summary>
public static class VmiPhases
{
    public const string Pending = "Pending";
    public const string Scheduling = "Scheduling";
    public const string Scheduled = "Scheduled";
    public const string Running = "Running";
    public const string Succeeded = "Succeeded";
    public const string Failed = "Failed";
}

/// <summary>`status.memoryDumpRequest.phase` of a machine, and `phase` of the volume that a dump goes to.</summary>
public static class MemoryDumpPhases
{
    public const string Associating = "Associating";
    public const string InProgress = "InProgress";
    public const string Unmounting = "Unmounting";
    public const string Completed = "Completed";
    public const string Failed = "Failed";
    public const string Dissociating = "Dissociating";
    public const string VolumeInProgress = "MemoryDumpVolumeInProgress";
    public const string VolumeCompleted = "MemoryDumpVolumeCompleted";
    public const string VolumeFailed = "MemoryDumpVolumeFailed";
}

/// <summary>Condition types of a VMI and its pod.</summary>
public static class Conditions
{
    public const string Ready = "Ready";
    public const string Synchronized = "Synchronized";
    public const string Paused = "Paused";
    public const string AgentConnected = "AgentConnected";
    public const string PodScheduled = "PodScheduled";
    public const string EvictionRequested = "EvictionRequested";
    public const string HotVCPUChange = "HotVCPUChange";
    public const string HotMemoryChange = "HotMemoryChange";
    public const string MigrationRequired = "MigrationRequired";
    public const string AccessCredentialsSynchronized = "AccessCredentialsSynchronized";

    /// <summary>A pod readiness gate: a paused guest leaves Service endpoints.</summary>
    public const string VirtualMachineUnpaused = "kubevirt.io/virtual-machine-unpaused";
}

/// <summary>`spec.evictionStrategy` of a VMI: what becomes of its guest when its pod is to be evicted.</summary>
public static class EvictionStrategies
{
    /// <summary>It ends with its pod.</summary>
    public const string None = "None";

    /// <summary>It moves, or stays and holds the drain up.</summary>
    public const string LiveMigrate = "LiveMigrate";

    /// <summary>It moves if it can, and ends otherwise.</summary>
    public const string LiveMigrateIfPossible = "LiveMigrateIfPossible";

    /// <summary>It is marked, and somebody else moves it.</summary>
    public const string External = "External";
}

/// <summary>`spec.priority` of a VirtualMachineInstanceMigration.</summary>
public static class MigrationPriorities
{
    public const string SystemCritical = "system-critical";
    public const string UserTriggered = "user-triggered";
    public const string SystemMaintenance = "system-maintenance";
}

/// <summary>Extended resources that a launcher pod asks for.</summary>
public static class DeviceResources
{
    public const string Kvm = "devices.kubevirt.io/kvm";
    public const string Tun = "devices.kubevirt.io/tun";
    public const string VhostVsock = "devices.kubevirt.io/vhost-vsock";
    public const string Sev = "devices.kubevirt.io/sev";
    public const string Tdx = "devices.kubevirt.io/tdx";
    public const string PersistentReservations = "devices.kubevirt.io/pr-helper";
    public const string VhostNet = "devices.kubevirt.io/vhost-net";
}
