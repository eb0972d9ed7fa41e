using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>What the KubeVirt object says that every guest's pod and network depend on.</summary>
public sealed record GuestSettings
{
    public static GuestSettings Default { get; } = new();

    /// <summary>`network.binding`: the plugins that connect interfaces in ways of their own, by name.</summary>
    public IReadOnlyDictionary<string, InterfaceBindingPlugin> NetworkBindings { get; init; } = new Dictionary<string, InterfaceBindingPlugin>();

    /// <summary>`additionalGuestMemoryOverheadRatio`.</summary>
    public decimal MemoryOverheadRatio { get; init; } = 1;

    /// <summary>`developerConfiguration.cpuAllocationRatio`: vCPUs that share a CPU, when the VMI says nothing of CPU.</summary>
    public int CpuAllocationRatio { get; init; } = 10;

    /// <summary>`developerConfiguration.nodeSelectors`: nodes on which guests are at all.</summary>
    public IReadOnlyDictionary<string, string> NodeSelectors { get; init; } = new Dictionary<string, string>();

    /// <summary>`defaultRuntimeClass`.</summary>
    public string? RuntimeClass { get; init; }

    /// <summary>`imagePullPolicy`, of the launcher's image.</summary>
    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    /// <summary>`seccompConfiguration`: what the pod's processes may ask of the kernel.</summary>
    public SeccompProfile? Seccomp { get; init; }

    /// <summary>`memBalloonStatsPeriod`: seconds between a guest's reports of its memory; null for KubeVirt's default.</summary>
    public long? BalloonPeriod { get; init; }

    /// <summary>`smbios`: what guests read of their maker; null for KubeVirt's default.</summary>
    public SMBiosConfiguration? Smbios { get; init; }

    /// <summary>Resource names of `permittedHostDevices`; null where nothing is said of them.</summary>
    public IReadOnlySet<string>? PermittedDevices { get; init; }

    /// <summary>`supportContainerResources` by the containers' type.</summary>
    public IReadOnlyDictionary<string, ResourceRequirementsWithoutClaims> SupportResources { get; init; } = new Dictionary<string, ResourceRequirementsWithoutClaims>();

    /// <summary>Nobody else asks for the devices of Multus' networks (feature gate ExternalNetResourceInjection off).</summary>
    public bool AsksForNetworkResources { get; init; }

    /// <summary>False by `virtualMachineOptions.disableFreePageReporting`.</summary>
    public bool ReportsFreePages { get; init; } = true;

    /// <summary>Of guests that say nothing of it themselves; false by `virtualMachineOptions.disableSerialConsoleLog`.</summary>
    public bool LogsSerialConsole { get; init; } = true;

    /// <summary>Null for an interface without a plugin, and for a plugin that is not there.</summary>
    public InterfaceBindingPlugin? Plugin(Interface? nic) => nic?.Binding?.Name is { } name ? NetworkBindings.GetValueOrDefault(name) : null;

    /// <summary>The plugins that the guest's interfaces use, each once and in their order.</summary>
    public IReadOnlyList<(string Name, InterfaceBindingPlugin Plugin)> PluginsOf(VirtualMachineInstance vmi) =>
    [
        .. (vmi.Spec?.Domain?.Devices?.Interfaces ?? []).Select(i => (i.Binding?.Name, Plugin: Plugin(i))).Where(p => p.Plugin is not null).DistinctBy(p => p.Name).Select(p => (p.Name!, p.Plugin!)),
    ];

    /// <summary>For the node; null when it needs to know of none.</summary>
    public IReadOnlyDictionary<string, InterfaceBindingPlugin>? BindingsOf(VirtualMachineInstance vmi) => PluginsOf(vmi) is { Count: > 0 } plugins ? plugins.ToDictionary(p => p.Name, p => p.Plugin) : null;

    /// <summary>Why no pod can be made for the guest; null when one can.</summary>
    public string? Problem(VirtualMachineInstance vmi)
    {
        var devices = vmi.Spec?.Domain?.Devices;
        if ((devices?.Interfaces ?? []).FirstOrDefault(i => i.Binding?.Name is not null && Plugin(i) is null) is { } nic)
            return $"failed to render launch manifest: couldn't find configuration for network binding: {nic.Binding!.Name}";
        if (PermittedDevices is not { } permitted)
            return null;
        var forbidden = (devices?.Gpus ?? []).Where(g => g.ClaimName is null).Select(g => ("GPU", g.DeviceName))
            .Concat((devices?.HostDevices ?? []).Where(d => d.ClaimName is null).Select(d => ("HostDevice", d.DeviceName)))
            .Where(d => !permitted.Contains(d.DeviceName ?? "")).Select(d => $"{d.Item1} {d.DeviceName} is not permitted in permittedHostDevices configuration").ToList();
        return forbidden.Count == 0 ? null : $"failed to render launch manifest: {string.Join(' ', forbidden)}";
    }

    /// <summary>The interface's device is told to the pod, in <c>/etc/podinfo/network-info</c>.</summary>
    public bool NeedsDeviceInfo(Interface nic) => nic.Sriov is not null || Plugin(nic)?.DownwardAPI is "device-info";
}
