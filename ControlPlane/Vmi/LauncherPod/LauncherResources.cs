using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>What the compute container asks of its node: CPU, memory, huge pages and devices.</summary>
internal static class LauncherResources
{
    /// <summary>vCPUs that share a CPU, when the VMI says nothing of CPU.</summary>
    private const long CpuAllocationRatio = 10;
    private const string Cpu = "cpu";
    private const string Memory = "memory";

    public static ContainerResources Of(VirtualMachineInstance vmi, LauncherPodOptions options)
    {
        var domain = vmi.Spec!.Domain!;
        var requests = new Dictionary<string, Quantity>(domain.Resources?.Requests ?? new Dictionary<string, Quantity>());
        var limits = new Dictionary<string, Quantity>(domain.Resources?.Limits ?? new Dictionary<string, Quantity>());
        SetCpu(domain, requests, limits);
        SetMemory(vmi, options.Settings, requests, limits);
        requests["ephemeral-storage"] = new Quantity("50M");
        foreach (var device in Devices(domain).GroupBy(d => d))
            requests[device.Key] = limits[device.Key] = new Quantity($"{device.Count()}");
        if (domain.Devices?.AutoattachPodInterface is not false)
            limits[DeviceResources.Tun] = new Quantity("1");
        if (domain.Devices?.AutoattachVSOCK is true)
            limits[DeviceResources.VhostVsock] = new Quantity("1");
        if (!options.UseEmulation)
            limits[DeviceResources.Kvm] = new Quantity("1");
        var claims = Claims(domain);
        return new ContainerResources { Requests = requests, Limits = limits, Claims = claims.Count == 0 ? null : claims };
    }

    /// <summary>Pinned vCPUs take whole CPUs, and one more for QEMU's own threads when they are kept apart.</summary>
    private static void SetCpu(DomainSpec domain, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        var vcpus = GuestSize.Vcpus(domain);
        if (domain.Cpu?.DedicatedCpuPlacement is true)
        {
            var given = limits.TryGetValue(Cpu, out var limit) ? limit : requests.TryGetValue(Cpu, out var request) ? request : new Quantity($"{vcpus}");
            var cpus = given.Units + (domain.Cpu.IsolateEmulatorThread is true ? 1 : 0);
            requests[Cpu] = limits[Cpu] = new Quantity($"{cpus}");
        }
        else if (!requests.ContainsKey(Cpu) && !limits.ContainsKey(Cpu))
        {
            requests[Cpu] = new Quantity($"{Math.Max(1, vcpus * 1000 / CpuAllocationRatio)}m");
        }
    }

    private static void SetMemory(VirtualMachineInstance vmi, GuestSettings settings, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        var domain = vmi.Spec!.Domain!;
        var overhead = MemoryOverhead.Bytes(vmi, settings);
        var guest = requests.TryGetValue(Memory, out var asked) ? asked.Units : GuestSize.MemoryBytes(domain);
        if (domain.Memory?.Hugepages?.PageSize is { } page)
        {
            // The guest lives in huge pages alone; what is left is QEMU and its helpers.
            requests[$"hugepages-{page}"] = limits[$"hugepages-{page}"] = Quantity.FromBytes(GuestSize.MemoryBytes(domain));
            guest = 0;
        }

        // The limit has room for the overhead in any case.
        requests[Memory] = Quantity.FromBytes(guest + (domain.Resources?.OvercommitGuestOverhead is true ? 0 : overhead));
        if (limits.TryGetValue(Memory, out var limit))
            limits[Memory] = Quantity.FromBytes((domain.Memory?.Hugepages is null ? limit.Units : 0) + overhead);
        // Only a pod whose requests are its limits gets CPUs of its own.
        if (domain.Cpu?.DedicatedCpuPlacement is true)
            limits[Memory] = requests[Memory];
    }

    /// <summary>Devices of device plugins, by their resource names.</summary>
    private static IEnumerable<string> Devices(DomainSpec domain) =>
        (domain.Devices?.Gpus ?? []).Select(g => g.DeviceName).Concat((domain.Devices?.HostDevices ?? []).Select(d => d.DeviceName)).OfType<string>().Where(d => d.Length > 0);

    private static IReadOnlyList<ResourceClaim> Claims(DomainSpec domain) =>
    [
        .. (domain.Devices?.Gpus ?? []).Select(g => (g.ClaimName, g.RequestName)).Concat((domain.Devices?.HostDevices ?? []).Select(d => (d.ClaimName, d.RequestName)))
            .Where(c => c is { ClaimName.Length: > 0, RequestName.Length: > 0 }).Distinct().Select(c => new ResourceClaim { Name = c.ClaimName, Request = c.RequestName }),
    ];
}
