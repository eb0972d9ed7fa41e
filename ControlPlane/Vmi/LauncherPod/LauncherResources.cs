using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>What the compute container asks of its node: CPU, memory, huge pages and devices.</summary>
internal static class LauncherResources
{
    private const string EvenParity = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";

    /// <summary>Room for what the launcher itself writes, in bytes.</summary>
    private const long OwnStorage = 50_000_000;
    private const string Storage = "ephemeral-storage";
    private const string Cpu = "cpu";
    private const string Memory = "memory";

    public static ContainerResources Of(VirtualMachineInstance vmi, LauncherPodOptions options)
    {
        var domain = vmi.Spec!.Domain!;
        var requests = new Dictionary<string, Quantity>(domain.Resources?.Requests ?? new Dictionary<string, Quantity>());
        var limits = new Dictionary<string, Quantity>(domain.Resources?.Limits ?? new Dictionary<string, Quantity>());
        SetCpu(vmi, options.Settings, requests, limits);
        SetMemory(vmi, options.Settings, requests, limits);
        requests[Storage] = Quantity.FromBytes((requests.TryGetValue(Storage, out var storage) ? storage.Units : 0) + OwnStorage);
        if (limits.TryGetValue(Storage, out var most))
            limits[Storage] = Quantity.FromBytes(most.Units + OwnStorage);
        foreach (var device in Devices(domain).GroupBy(d => d))
            requests[device.Key] = limits[device.Key] = new Quantity($"{device.Count()}");
        if (domain.Devices?.AutoattachPodInterface is not false || domain.Devices.Interfaces is { Count: > 0 })
            limits[DeviceResources.Tun] = new Quantity("1");
        if (domain.Devices?.AutoattachVSOCK is true)
            limits[DeviceResources.VhostVsock] = new Quantity("1");
        if (!options.UseEmulation)
            limits[DeviceResources.Kvm] = new Quantity("1");
        var claims = Claims(domain);
        return new ContainerResources { Requests = requests, Limits = limits, Claims = claims.Count == 0 ? null : claims };
    }

    /// <summary>Pinned vCPUs take whole CPUs, and one or two more for QEMU's own threads when they are kept apart. A pool of I/O threads counts in any case.</summary>
    private static void SetCpu(VirtualMachineInstance vmi, GuestSettings settings, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        var domain = vmi.Spec!.Domain!;
        var pool = domain.IoThreads?.SupplementalPoolThreadCount ?? 0;
        var cpus = GuestSize.Vcpus(domain) + pool;
        if (domain.Cpu?.DedicatedCpuPlacement is true)
        {
            if (domain.Cpu.IsolateEmulatorThread is true)
                cpus += vmi.Metadata.Annotations?.ContainsKey(EvenParity) is true && (cpus + (domain.IoThreadsPolicy is "supplementalPool" ? pool : 0)) % 2 == 0 ? 2 : 1;
            requests[Cpu] = limits[Cpu] = new Quantity($"{cpus}");
        }
        else if (!requests.ContainsKey(Cpu))
        {
            requests[Cpu] = new Quantity($"{Math.Max(1, cpus * 1000 / settings.CpuAllocationRatio)}m");
        }
    }

    private static void SetMemory(VirtualMachineInstance vmi, GuestSettings settings, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        var domain = vmi.Spec!.Domain!;
        var overhead = MemoryOverhead.Bytes(vmi, settings);
        var asked = requests.TryGetValue(Memory, out var request) && request.Units > 0 ? request.Units
            : limits.TryGetValue(Memory, out var alone) && alone.Units > 0 ? alone.Units : GuestSize.MemoryBytes(domain);
        // Only a pod whose requests are its limits gets CPUs of its own.
        if (domain.Cpu?.DedicatedCpuPlacement is true)
            limits[Memory] = Quantity.FromBytes(asked);
        if (domain.Memory?.Hugepages?.PageSize is { } page)
        {
            // The guest lives in huge pages alone; what is asked for beyond it, QEMU and its helpers do not.
            var guest = domain.Memory.Guest?.Units ?? long.MaxValue;
            requests[$"hugepages-{page}"] = limits[$"hugepages-{page}"] = Quantity.FromBytes(Math.Min(asked, guest));
            requests[Memory] = Quantity.FromBytes(Math.Max(0, asked - guest) + overhead);
            if (limits.TryGetValue(Memory, out var whole))
                limits[Memory] = Quantity.FromBytes(Math.Max(0, whole.Units - guest) + overhead);
            return;
        }

        // The limit has room for the overhead in any case.
        requests[Memory] = Quantity.FromBytes(asked + (domain.Resources?.OvercommitGuestOverhead is true ? 0 : overhead));
        if (limits.TryGetValue(Memory, out var limit))
            limits[Memory] = Quantity.FromBytes(limit.Units + overhead);
    }

    /// <summary>Devices of device plugins, by their resource names.</summary>
    private static IEnumerable<string> Devices(DomainSpec domain) => Plugged(domain).Concat(Special(domain));

    private static IEnumerable<string> Special(DomainSpec domain)
    {
        if (domain.LaunchSecurity is { } security && (security.Sev ?? (object?)security.Snp) is not null)
            yield return DeviceResources.Sev;
        if (domain.LaunchSecurity?.Tdx is not null)
            yield return DeviceResources.Tdx;
        if (domain.Devices?.Disks?.Any(d => d.Lun?.Reservation is true) is true)
            yield return DeviceResources.PersistentReservations;
    }

    private static IEnumerable<string> Plugged(DomainSpec domain) =>
        (domain.Devices?.Gpus ?? []).Select(g => g.DeviceName).Concat((domain.Devices?.HostDevices ?? []).Select(d => d.DeviceName)).OfType<string>().Where(d => d.Length > 0);

    private static IReadOnlyList<ResourceClaim> Claims(DomainSpec domain) =>
    [
        .. (domain.Devices?.Gpus ?? []).Select(g => (g.ClaimName, g.RequestName)).Concat((domain.Devices?.HostDevices ?? []).Select(d => (d.ClaimName, d.RequestName)))
            .Where(c => c is { ClaimName.Length: > 0, RequestName.Length: > 0 }).Distinct().Select(c => new ResourceClaim { Name = c.ClaimName, Request = c.RequestName }),
    ];
}
