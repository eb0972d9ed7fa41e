using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Configuration;

/// <summary>What the KubeVirt object says about the cluster as far as admission asks, with KubeVirt's defaults where it says nothing.</summary>
public sealed record ClusterConfig
{
    // Before Default, which is made of it.
    private static readonly Dictionary<string, ArchitectureConfig> DefaultArchitectures = new()
    {
        ["amd64"] = new ArchitectureConfig("q35", ["q35*", "pc-q35*"]),
        ["arm64"] = new ArchitectureConfig("virt", ["virt*"]),
        ["s390x"] = new ArchitectureConfig("s390-ccw-virtio", ["s390-ccw-virtio*"]),
    };

    public static ClusterConfig Default { get; } = new();

    public IReadOnlyList<string> EnabledGates { get; init; } = [];
    public IReadOnlyList<string> DisabledGates { get; init; } = [];

    /// <summary>Architecture of a VM that names none.</summary>
    public string DefaultArchitecture { get; init; } = "amd64";

    /// <summary>For all architectures; null: each architecture's own.</summary>
    public string? MachineType { get; init; }

    /// <summary>Machine types that may be asked for, as shell patterns; null: each architecture's own.</summary>
    public IReadOnlyList<string>? EmulatedMachines { get; init; }

    public IReadOnlyDictionary<string, ArchitectureConfig> Architectures { get; init; } = DefaultArchitectures;
    public string? CpuModel { get; init; }

    /// <summary>CPU request of VMs that say nothing of CPU, when the administrator changed it.</summary>
    public Quantity? CpuRequest { get; init; }

    public string? EvictionStrategy { get; init; } = "None";

    /// <summary>A node with a NoSchedule taint of this key is emptied of all guests that would move.</summary>
    public string NodeDrainTaintKey { get; init; } = "kubevirt.io/drain";

    /// <summary>The network attachment (`NAMESPACE/NAME`) that launcher pods join to migrate over it.</summary>
    public string? MigrationNetwork { get; init; }

    /// <summary>KubeVirt's is `bridge`; with masquerade the guest can be migrated.</summary>
    public string DefaultNetworkInterface { get; init; } = "masquerade";
    public bool PermitBridgeInterfaceOnPodNetwork { get; init; } = true;
    public bool IsLiveUpdate { get; init; } = true;
    public long MaxHotplugRatio { get; init; } = 4;
    public long? MaxCpuSockets { get; init; }
    public Quantity? MaxGuest { get; init; }

    /// <summary>The KubeVirt object carries <c>alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity</c>.</summary>
    public bool CompletesEmulatorThreadToEvenParity { get; init; }

    public string TdxQgsSocketPath { get; init; } = "/var/run/tdx-qgs/qgs.socket";
    public bool VirtTemplateDeployment { get; init; }

    /// <summary>Of the claims in which guests keep their TPM and UEFI variables; null for the cluster's default.</summary>
    public string? StateStorageClass { get; init; }

    /// <summary>As the KubeVirt object says it; null where only the gate can, which must be named although its feature is generally available.</summary>
    public bool? PersistentReservation { get; init; }

    /// <summary>The selector (`VENDOR:DEVICE`) of each PCI resource that guests may ask for.</summary>
    public IReadOnlyDictionary<string, string> PciSelectors { get; init; } = new Dictionary<string, string>();

    public GuestSettings Guests { get; init; } = GuestSettings.Default;

    public bool IsEnabled(string gate) => FeatureGates.IsEnabled(gate, EnabledGates, DisabledGates);

    public bool IsPersistentReservationEnabled => PersistentReservation ?? EnabledGates.Contains(FeatureGates.PersistentReservation);

    public string MachineTypeOf(string? architecture) => MachineType is { Length: > 0 } type ? type : Of(architecture).MachineType;

    public IReadOnlyList<string> EmulatedMachinesOf(string? architecture) => EmulatedMachines ?? Of(architecture).EmulatedMachines;

    private ArchitectureConfig Of(string? architecture) =>
        Architectures.TryGetValue(architecture ?? "", out var config) || Architectures.TryGetValue("amd64", out config) ? config : DefaultArchitectures["amd64"];
}

public sealed record ArchitectureConfig(string MachineType, IReadOnlyList<string> EmulatedMachines);
