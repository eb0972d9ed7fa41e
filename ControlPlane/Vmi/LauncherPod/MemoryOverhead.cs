using Troupe.Messages.Api.KubeVirt;

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

    public static long Bytes(VirtualMachineInstance vmi)
    {
        var domain = vmi.Spec?.Domain ?? new DomainSpec();
        var sum = LauncherMonitor + Launcher + VirtLogd + VirtQemud + Qemu + IoThread + (PerVcpu * GuestSize.Vcpus(domain));
        if (domain.Resources?.Requests?.TryGetValue("memory", out var requested) is true)
            sum += requested.Units / 512; // page tables
        if (domain.Devices?.AutoattachGraphicsDevice is not false)
            sum += Video;
        if (domain.Devices?.Tpm is not null)
            sum += Tpm;
        if (domain.Devices?.Gpus is { Count: > 0 } || domain.Devices?.HostDevices is { Count: > 0 } || domain.Devices?.Interfaces?.Any(i => i.Sriov is not null) is true)
            sum += Vfio;
        if (domain.Cpu?.DedicatedCpuPlacement is true)
            sum += DedicatedCpu;
        return sum + (domain.Memory?.ReservedOverhead?.AddedOverhead?.Units ?? 0);
    }
}

/// <summary>How large the guest is.</summary>
public static class GuestSize
{
    /// <summary>KubeVirt's minimum when a VMI says nothing about memory.</summary>
    private const long DefaultMemory = 8L << 20;

    public static long Vcpus(DomainSpec domain) => domain.Cpu is { } cpu
        ? Math.Max(1, cpu.Sockets ?? 1) * Math.Max(1, cpu.Cores ?? 1) * Math.Max(1, cpu.Threads ?? 1)
        : 1;

    /// <summary>Bytes of guest memory: `memory.guest`, else the request, else the limit.</summary>
    public static long MemoryBytes(DomainSpec domain)
    {
        if (domain.Memory?.Guest is { } guest)
            return guest.Units;
        if (domain.Resources?.Requests?.TryGetValue("memory", out var request) is true)
            return request.Units;
        return domain.Resources?.Limits?.TryGetValue("memory", out var limit) is true ? limit.Units : DefaultMemory;
    }
}
