using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>A new VMI as the API server stores it: every gap filled, so that it means the same for ever.</summary>
internal static class InstanceDefaults
{
    private const string HostModel = "host-model";
    public const string PciTopology = "v3";
    private const string EvenParity = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";
    private const string QgsSocketPath = "kubevirt.io/qgs-socket-path";
    private const long LauncherUser = 107;

    /// <param name="now">Of the phase Pending.</param>
    /// <param name="newUuid">Of the firmware, when the VMI brings none.</param>
    public static VirtualMachineInstance Apply(VirtualMachineInstance vmi, ClusterConfig config, DateTimeOffset now, Func<string> newUuid)
    {
        var spec = SpecDefaults.Apply(vmi.Spec ?? new VirtualMachineInstanceSpec(), config);
        var domain = Domain(spec.Domain!, spec.Architecture, config, newUuid);
        vmi = vmi with
        {
            Spec = spec with { Domain = domain, ReadinessProbe = DeviceDefaults.Probe(spec.ReadinessProbe), LivenessProbe = DeviceDefaults.Probe(spec.LivenessProbe) },
            Status = Status(vmi.Status ?? new VirtualMachineInstanceStatus(), domain, config, now),
        };
        return vmi with
        {
            Metadata = vmi.Metadata with { Annotations = Annotated(vmi, config), Finalizers = [.. vmi.Metadata.Finalizers ?? [], Finalizers.ForegroundDelete] },
        };
    }

    private static DomainSpec Domain(DomainSpec domain, string? architecture, ClusterConfig config, Func<string> newUuid)
    {
        var features = FeatureDefaults.Apply(domain.Features, architecture);
        var firmware = domain.Firmware ?? new Firmware();
        domain = domain with
        {
            Features = features,
            Firmware = firmware with { Uuid = firmware.Uuid is { Length: > 0 } uuid ? uuid : newUuid() },
            Clock = DeviceDefaults.Clock(domain.Clock),
            Devices = DeviceDefaults.Apply(domain.Devices ?? new Devices(), architecture),
            Cpu = FeatureDefaults.WithVmx(domain.Cpu ?? new CPU(), features),
        };
        if (architecture == "arm64")
            domain = OnArm64(domain);
        if (domain.Cpu!.Model is null or "")
            domain = domain with { Cpu = domain.Cpu with { Model = config.CpuModel is { Length: > 0 } model ? model : HostModel } };
        return HotplugDefaults.Apply(domain, architecture, config);
    }

    /// <summary>arm64 has no BIOS, and its hosts' models have no names.</summary>
    private static DomainSpec OnArm64(DomainSpec domain)
    {
        var boot = domain.Firmware!.Bootloader ?? new Bootloader { Efi = new EFI() };
        return domain with
        {
            Cpu = domain.Cpu! with { Model = domain.Cpu.Model is { Length: > 0 } model ? model : "host-passthrough" },
            Firmware = domain.Firmware with { Bootloader = boot with { Efi = boot.Efi is { } efi ? efi with { SecureBoot = efi.SecureBoot ?? false } : null } },
        };
    }

    private static VirtualMachineInstanceStatus Status(VirtualMachineInstanceStatus status, DomainSpec domain, ClusterConfig config, DateTimeOffset now) => status with
    {
        Phase = VmiPhases.Pending,
        PhaseTransitionTimestamps =
        [
            .. status.PhaseTransitionTimestamps ?? [], new VirtualMachineInstancePhaseTransitionTimestamp { Phase = VmiPhases.Pending, PhaseTransitionTimestamp = now },
        ],
        Memory = domain.Memory?.Guest is { } guest ? new MemoryStatus { GuestAtBoot = guest, GuestCurrent = guest, GuestRequested = guest } : status.Memory,
        CurrentCPUTopology = status.CurrentCPUTopology
            ?? new CPUTopology { Sockets = domain.Cpu!.Sockets, Cores = domain.Cpu.Cores, Threads = domain.Cpu.Threads },
        RuntimeUser = config.IsEnabled(FeatureGates.Root) ? status.RuntimeUser : LauncherUser,
    };

    private static Dictionary<string, string>? Annotated(VirtualMachineInstance vmi, ClusterConfig config)
    {
        var annotations = new Dictionary<string, string>(vmi.Metadata.Annotations ?? new Dictionary<string, string>());
        if (HasPciTopology(vmi.Spec!))
            annotations.TryAdd(Annotations.PciTopologyVersion, PciTopology);
        if (vmi.Spec!.Domain!.Cpu is { IsolateEmulatorThread: true } && config.CompletesEmulatorThreadToEvenParity && config.IsEnabled(FeatureGates.AlignCPUs))
            annotations[EvenParity] = "";
        if (vmi.Spec.Domain.LaunchSecurity?.Tdx is not null && config.TdxQgsSocketPath.Length > 0)
            annotations[QgsSocketPath] = config.TdxQgsSocketPath;
        return annotations.Count == 0 ? null : annotations;
    }

    /// <summary>The machine has PCI Express, whose slots are laid out by a version that the guest keeps.</summary>
    public static bool HasPciTopology(VirtualMachineInstanceSpec spec) => spec.Architecture is null or "" or "amd64" or "arm64"
        && (spec.Domain?.Machine is not { } machine || machine.Type?.Contains("q35", StringComparison.Ordinal) is true || machine.Type?.StartsWith("virt", StringComparison.Ordinal) is true);
}
