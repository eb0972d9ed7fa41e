using System.Globalization;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Configuration;

/// <summary>Reads admission's view of the KubeVirt object.</summary>
public static class ClusterConfigReader
{
    private const string EvenParity = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";

    /// <param name="installation">Null: nobody configured anything.</param>
    public static ClusterConfig Read(KubeVirt? installation)
    {
        var defaults = ClusterConfig.Default;
        if (installation?.Spec?.Configuration is not { } c)
            return defaults;
        return defaults with
        {
            EnabledGates = c.DeveloperConfiguration?.FeatureGates ?? [],
            DisabledGates = c.DeveloperConfiguration?.DisabledFeatureGates ?? [],
            DefaultArchitecture = Text(installation.Status?.DefaultArchitecture) ?? Text(c.ArchitectureConfiguration?.DefaultArchitecture) ?? defaults.DefaultArchitecture,
            MachineType = Text(c.MachineType),
            EmulatedMachines = c.EmulatedMachines is { Count: > 0 } machines ? machines : null,
            Architectures = defaults.Architectures.ToDictionary(a => a.Key, a => Architecture(a.Value, a.Key switch
            {
                "arm64" => c.ArchitectureConfiguration?.Arm64,
                "s390x" => c.ArchitectureConfiguration?.S390x,
                _ => c.ArchitectureConfiguration?.Amd64,
            })),
            CpuModel = Text(c.CpuModel),
            CpuRequest = c.CpuRequest,
            EvictionStrategy = c.EvictionStrategy ?? defaults.EvictionStrategy,
            NodeDrainTaintKey = Text(c.Migrations?.NodeDrainTaintKey) ?? defaults.NodeDrainTaintKey,
            // As with KubeVirt the attachment is looked for beside the KubeVirt object.
            MigrationNetwork = Text(c.Migrations?.Network) is { } network ? network.Contains('/', StringComparison.Ordinal) ? network : $"{installation.Metadata.Namespace}/{network}" : null,
            DefaultNetworkInterface = Text(c.Network?.DefaultNetworkInterface) ?? defaults.DefaultNetworkInterface,
            PermitBridgeInterfaceOnPodNetwork = c.Network?.PermitBridgeInterfaceOnPodNetwork ?? defaults.PermitBridgeInterfaceOnPodNetwork,
            IsLiveUpdate = c.VmRolloutStrategy is null or "LiveUpdate",
            MaxHotplugRatio = c.LiveUpdateConfiguration?.MaxHotplugRatio is > 0 and var ratio ? ratio : defaults.MaxHotplugRatio,
            MaxCpuSockets = c.LiveUpdateConfiguration?.MaxCpuSockets,
            MaxGuest = c.LiveUpdateConfiguration?.MaxGuest,
            CompletesEmulatorThreadToEvenParity = installation.Metadata.Annotations?.ContainsKey(EvenParity) is true,
            TdxQgsSocketPath = c.ConfidentialCompute?.Tdx?.Attestation?.QgsSocketPath ?? defaults.TdxQgsSocketPath,
            StateStorageClass = Text(c.VmStateStorageClass),
            Guests = Guests(c),
            PersistentReservation = c.PersistentReservationConfiguration?.Enabled,
            PciSelectors = (c.PermittedHostDevices?.PciHostDevices ?? []).Where(d => d is { ResourceName.Length: > 0, PciVendorSelector.Length: > 0 })
                .GroupBy(d => d.ResourceName!).ToDictionary(d => d.Key, d => d.Last().PciVendorSelector!),
            VirtTemplateDeployment = c.VirtTemplateDeployment?.Enabled is true,
        };
    }

    /// <summary>What of it goes to guests and their pods.</summary>
    private static GuestSettings Guests(KubeVirtConfiguration c) => new()
    {
        NetworkBindings = c.Network?.Binding ?? GuestSettings.Default.NetworkBindings,
        MemoryOverheadRatio = decimal.TryParse(c.AdditionalGuestMemoryOverheadRatio, CultureInfo.InvariantCulture, out var overhead) ? overhead : 1,
        CpuAllocationRatio = c.DeveloperConfiguration?.CpuAllocationRatio is > 0 and var shared ? shared : GuestSettings.Default.CpuAllocationRatio,
        NodeSelectors = c.DeveloperConfiguration?.NodeSelectors ?? GuestSettings.Default.NodeSelectors,
        RuntimeClass = Text(c.DefaultRuntimeClass),
        ImagePullPolicy = Text(c.ImagePullPolicy) ?? GuestSettings.Default.ImagePullPolicy,
        Seccomp = c.SeccompConfiguration?.VirtualMachineInstanceProfile?.CustomProfile switch
        {
            { LocalhostProfile: { Length: > 0 } profile } => new SeccompProfile { Type = "Localhost", LocalhostProfile = profile },
            { RuntimeDefaultProfile: true } => new SeccompProfile { Type = "RuntimeDefault" },
            _ => null,
        },
        BalloonPeriod = c.MemBalloonStatsPeriod,
        Smbios = c.Smbios,
        PermittedDevices = c.PermittedHostDevices is { } devices
            ? (devices.PciHostDevices ?? []).Select(d => d.ResourceName).Concat((devices.MediatedDevices ?? []).Select(d => d.ResourceName))
                .Concat((devices.Usb ?? []).Select(d => d.ResourceName)).OfType<string>().ToHashSet()
            : null,
        SupportResources = (c.SupportContainerResources ?? []).Where(r => r is { Type: not null, Resources: not null })
            .GroupBy(r => r.Type!).ToDictionary(r => r.Key, r => r.First().Resources!),
        ReportsFreePages = c.VirtualMachineOptions?.DisableFreePageReporting is null,
        LogsSerialConsole = c.VirtualMachineOptions?.DisableSerialConsoleLog is null,
        AsksForNetworkResources = !FeatureGates.IsEnabled(FeatureGates.ExternalNetResourceInjection, c.DeveloperConfiguration?.FeatureGates ?? [], c.DeveloperConfiguration?.DisabledFeatureGates ?? []),
    };

    private static ArchitectureConfig Architecture(ArchitectureConfig otherwise, ArchSpecificConfiguration? set) =>
        new(Text(set?.MachineType) ?? otherwise.MachineType, set?.EmulatedMachines is { Count: > 0 } machines ? machines : otherwise.EmulatedMachines);

    private static string? Text(string? text) => text is { Length: > 0 } ? text : null;
}
