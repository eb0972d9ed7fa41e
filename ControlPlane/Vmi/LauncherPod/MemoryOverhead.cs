using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>
/// Memory that a launcher pod needs beside the guest's. KubeVirt's formula, so that quotas and placement agree with it: fixed parts
/// for its helpers, then by what the guest has.
/// </summary>
public static class MemoryOverhead
{
    private const long Mi = 1L << 20;
    private const long LauncherMonitor = 25 * Mi;
    private const long Launcher = 100 * Mi;
    private const long VirtLogd = 25 * Mi;
    private const long VirtQemud = 40 * Mi;
    private const long Qemu = 30 * Mi;
    private const long PerVcpu = 8 * Mi;
    private const long IoThread = 8 * Mi;
    private const long Video = 32 * Mi;
    private const long Tpm = 53 * Mi;
    private const long Vfio = 1024 * Mi;
    private const long DedicatedCpu = 100 * Mi;
    private const long Flash = 128 * Mi;
    private const long DownwardMetricsDisk = Mi;
    private const long ExecProbe = 10 * Mi;
    private const long ExecProbes = 100 * Mi;
    private const long Encryption = 256 * Mi;
    private const long Passt = 250 * Mi;

    /// <summary>The ratio grows what the guest needs, not its network.</summary>
    public static long Bytes(VirtualMachineInstance vmi, GuestSettings settings)
    {
        var bytes = Bytes(vmi);
        // To the thousand, as KubeVirt reckons.
        bytes += (long)((bytes + 999) / 1000 * (settings.MemoryOverheadRatio - 1)) * 1000;
        if (vmi.Spec?.Domain?.Devices?.Interfaces?.Any(i => i.PasstBinding is not null) is true)
            bytes += Passt;
        return bytes + settings.PluginsOf(vmi).Sum(p => p.Plugin.ComputeResourceOverhead?.Requests?.TryGetValue("memory", out var memory) is true ? memory.Units : 0);
    }

    private static long Bytes(VirtualMachineInstance vmi)
    {
        var domain = vmi.Spec?.Domain ?? new DomainSpec();
        var sum = LauncherMonitor + Launcher + VirtLogd + VirtQemud + Qemu + IoThread + (PerVcpu * GuestSize.Vcpus(domain));
        if (domain.Resources?.Requests?.TryGetValue("memory", out var requested) is true)
            sum += (requested.Units + 999) / 1000 * 1000 / 512; // page tables, of kilobytes as KubeVirt counts them
        if (domain.Devices?.AutoattachGraphicsDevice is not false)
            sum += Video;
        if (domain.Devices?.Tpm is { Enabled: not false })
            sum += Tpm;
        if (domain.Devices?.Gpus is { Count: > 0 } || domain.Devices?.HostDevices is { Count: > 0 } || domain.Devices?.Interfaces?.Any(i => i.Sriov is not null) is true)
            sum += Vfio;
        if (vmi.Spec?.Architecture is "arm64")
            sum += Flash;
        if (vmi.Spec?.Volumes?.Any(v => v.DownwardMetrics is not null) is true)
            sum += DownwardMetricsDisk;
        if (new[] { vmi.Spec?.LivenessProbe, vmi.Spec?.ReadinessProbe }.Count(p => p?.Exec is not null) is > 0 and var probes)
            sum += ExecProbes + (ExecProbe * probes);
        if (domain.LaunchSecurity is { } security && (security.Sev is not null || security.Snp is not null))
            sum += Encryption;
        if (domain.Cpu?.DedicatedCpuPlacement is true || GuestSize.IsGuaranteed(domain))
            sum += DedicatedCpu;
        return sum + (domain.Memory?.ReservedOverhead?.AddedOverhead?.Units ?? 0);
    }
}

/// <summary>How large the guest is.</summary>
public static class GuestSize
{
    public static long Vcpus(DomainSpec domain) => domain.Cpu is { } cpu
        ? Math.Max(1, cpu.Sockets ?? 1) * Math.Max(1, cpu.Cores ?? 1) * Math.Max(1, cpu.Threads ?? 1)
        : 1;

    /// <summary>CPU and memory are limited to just what is requested of them; a limit of memory alone is a request too.</summary>
    public static bool IsGuaranteed(DomainSpec domain)
    {
        return IsLimited("cpu") && (IsLimited("memory") || Of(domain.Resources?.Requests, "memory") == 0 && Of(domain.Resources?.Limits, "memory") > 0);

        bool IsLimited(string resource) => Of(domain.Resources?.Requests, resource) is > 0 and var request && request == Of(domain.Resources?.Limits, resource);

        static decimal Of(IReadOnlyDictionary<string, Quantity>? resources, string name) => resources?.TryGetValue(name, out var set) is true ? set.Value : 0;
    }

    /// <summary>Bytes of guest memory: `memory.guest`, else the request, else the limit. A VMI that says nothing of it has none, and its launcher refuses it.</summary>
    public static long MemoryBytes(DomainSpec domain)
    {
        if (domain.Memory?.Guest is { } guest)
            return guest.Units;
        if (domain.Resources?.Requests?.TryGetValue("memory", out var request) is true)
            return request.Units;
        return domain.Resources?.Limits?.TryGetValue("memory", out var limit) is true ? limit.Units : 0;
    }
}
