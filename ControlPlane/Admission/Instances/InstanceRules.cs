using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Every rule for VMI specs, in the order in which KubeVirt reports them (it shows the first ten).</summary>
internal static class InstanceRules
{
    private static readonly InstanceRule[] OfAnySpec =
    [
        IdentityRules.Hostname, IdentityRules.Subdomain,
        MemoryRules.Request, MemoryRules.Limit, MemoryRules.Hugepages, MemoryRules.GuestIsWithinLimit,
        FirmwareRules.MachineType, FirmwareRules.AcpiTables,
        CpuRules.RequestIsNotNegative, CpuRules.LimitIsNotNegative, CpuRules.RequestIsWithinLimit, CpuRules.Pinning, CpuRules.NumaPassthrough,
        CpuRules.EmulatorThread, CpuRules.Features, CpuRules.SocketsAreWithinMaximum,
        IdentityRules.StartStrategy,
        CpuRules.Realtime,
        SchedulingRules.Affinity, SchedulingRules.TopologySpread,
        NetworkRules.All,
        ResourceClaimRules.All,
        BootAndMappingRules.DisksAndBootOrder,
        DeviceRules.Inputs, DeviceRules.IoThreads,
        ProbeRules.Handlers, ProbeRules.NetworkProbesNeedPodNetwork,
        DiskRules.Disks, FirmwareRules.Firmware, FirmwareRules.SecureBootNeedsSmm,
        VolumeRules.Volumes, VolumeRules.ContainerDiskPaths, VolumeRules.NoUtilityVolumes,
        AccessCredentialRules.All,
        DnsRules.Policy, DnsRules.Config,
        IdentityRules.EvictionStrategy,
        DeviceRules.OneRamFramebuffer, DeviceRules.HostDevices, GraceRules.All, DeviceRules.Sound,
        LaunchSecurityRules.All,
        DeviceRules.Vsock, DiskRules.PersistentReservation, DeviceRules.DownwardMetrics, BootAndMappingRules.SharedFilesystems,
        DeviceRules.VideoNeedsGraphics, DeviceRules.PanicDevices,
        IdentityRules.RebootPolicy, MemoryRules.ReservedOverhead, IdentityRules.ServiceAccount,
    ];

    /// <summary>Of a VMI or of the template of one.</summary>
    public static IEnumerable<StatusCause> Spec(FieldPath path, VirtualMachineInstanceSpec spec, ClusterConfig config)
    {
        var context = new InstanceContext(path, spec, config);
        return OfAnySpec.SelectMany(rule => rule(context));
    }

    /// <summary>Annotations that do not go with the devices of a template.</summary>
    public static IEnumerable<StatusCause> TemplateAnnotations(FieldPath template, VirtualMachineInstanceTemplateSpec? spec, ClusterConfig config) =>
        GraceRules.Annotations(template["metadata"], spec?.Metadata, new InstanceContext(template["spec"], spec?.Spec ?? new VirtualMachineInstanceSpec(), config));

    /// <summary>Bindings that new objects may no longer use.</summary>
    public static IEnumerable<StatusCause> Creation(FieldPath path, VirtualMachineInstanceSpec spec, ClusterConfig config) =>
        InterfaceRules.Discontinued(new InstanceContext(path, spec, config));

    /// <summary>A new VMI, after its defaults were set.</summary>
    public static IEnumerable<StatusCause> NewInstance(VirtualMachineInstance vmi, ClusterConfig config, bool bySystem)
    {
        var context = new InstanceContext(FieldPath.Spec, vmi.Spec ?? new VirtualMachineInstanceSpec(), config);
        return
        [
            .. DiscontinuedFeatures(context.Spec, config),
            // KubeVirt checks the networks of a VMI twice, and its clients are told twice.
            .. InterfaceRules.Discontinued(context), .. NetworkRules.All(context),
            .. OfAnySpec.SelectMany(rule => rule(context)),
            .. BootAndMappingRules.VolumesAreUsed(context),
            .. MemoryRules.IsGiven(context),
            .. MetadataRules.All(FieldPath.Metadata, vmi.Metadata, config, bySystem),
            .. GraceRules.Annotations(FieldPath.Metadata, vmi.Metadata, context),
            .. HypervRules.All(context),
            .. ArchitectureRules.All(context),
        ];
    }

    /// <summary>What a gate that is switched on but leads nowhere any more makes wrong.</summary>
    public static IEnumerable<StatusCause> DiscontinuedFeatures(VirtualMachineInstanceSpec spec, ClusterConfig config) =>
        UsedGates(spec, config, GateState.Discontinued).Select(g => Cause.NotSupported(FieldPath.Root, g.Message!));

    public static IReadOnlyList<string> Warnings(VirtualMachineInstanceSpec spec, ClusterConfig config) =>
        [.. UsedGates(spec, config, GateState.Deprecated).Select(g => g.Message!)];

    private static IEnumerable<FeatureGate> UsedGates(VirtualMachineInstanceSpec spec, ClusterConfig config, GateState state) =>
        config.EnabledGates.Select(FeatureGates.Find).OfType<FeatureGate>().Where(g => g.State == state && g.UsedBy?.Invoke(spec) is true);
}
