using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.HostDevices;

/// <summary>Finds for each GPU, host device and SR-IOV interface of a spec the device that the pod was given.</summary>
internal static class HostDeviceAssigner
{
    /// <summary>From this process's environment, which is the pod's.</summary>
    /// <exception cref="UnsupportedSpecException">The pod has not what the spec asks for.</exception>
    public static IReadOnlyList<AssignedDevice> AssignAll(VirtualMachineInstanceSpec spec)
    {
        var environment = System.Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
        return [.. Assign(spec, environment), .. AssignSriov(spec, environment, NetworkInfoFile.Read())];
    }

    /// <exception cref="UnsupportedSpecException">The pod has not what the spec asks for.</exception>
    public static IReadOnlyList<AssignedDevice> Assign(VirtualMachineInstanceSpec spec, IReadOnlyDictionary<string, string> environment)
    {
        var devices = spec.Domain?.Devices;
        var pool = new AddressPool(environment);
        return [.. Gpus(devices?.Gpus ?? [], pool), .. Others(devices?.HostDevices ?? [], pool)];
    }

    /// <summary>
    /// SR-IOV device plugins name their variable after their own resource: which function is for which network, Multus says. Where it does not
    /// (or not yet), what is given is handed out in order, if it is all of one resource.
    /// </summary>
    /// <param name="known">PCI addresses by network.</param>
    /// <exception cref="TimeoutException">It is not known yet which function belongs to which network.</exception>
    public static IReadOnlyList<AssignedDevice> AssignSriov(VirtualMachineInstanceSpec spec, IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> known)
    {
        const string Prefix = "PCIDEVICE_";
        var interfaces = spec.Domain?.Devices?.Interfaces ?? [];
        var given = environment
            .Where(e => e.Key.StartsWith(Prefix, StringComparison.Ordinal) && !e.Key.EndsWith("_INFO", StringComparison.Ordinal))
            .OrderBy(e => e.Key, StringComparer.Ordinal)
            .Select(e => e.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
        var functions = new Queue<string>(given.SelectMany(f => f).Except(known.Values));
        List<AssignedDevice> assigned = [];
        for (var i = 0; i < interfaces.Count; i++)
        {
            var nic = interfaces[i];
            if (nic.Sriov is null || nic.State is "absent")
                continue;
            if (!known.TryGetValue(nic.Name!, out var address) && given.Count > 1)
                throw new TimeoutException($"spec.domain.devices.interfaces[{i}].sriov: the pod has functions of several resources, and Multus has not said which is for network '{nic.Name}'");
            if (address is null && !functions.TryDequeue(out address))
                throw new UnsupportedSpecException($"spec.domain.devices.interfaces[{i}].sriov", "the pod was given no SR-IOV network function for it");
            assigned.Add(new AssignedDevice(AssignedKind.Pci, AssignedDevice.FunctionAlias + nic.Name, address, Mac: nic.MacAddress, BootOrder: nic.BootOrder));
        }

        return assigned;
    }

    private static List<AssignedDevice> Gpus(IReadOnlyList<GPU> gpus, AddressPool pool)
    {
        List<AssignedDevice> assigned = [];
        foreach (var gpu in gpus.Where(g => g.DeviceName is { Length: > 0 }))
        {
            if (pool.Take(gpu.DeviceName!) is not var (kind, address))
                throw Missing("GPU", "spec.domain.devices.gpus", gpu.Name, gpu.DeviceName!);
            var display = gpu.VirtualGPUOptions?.Display;
            var shows = kind is AssignedKind.Mdev && display is { Enabled: not false };
            assigned.Add(new AssignedDevice(kind, $"gpu-{gpu.Name}", address, shows, shows && display!.RamFB is null or { Enabled: not false }));
        }

        return assigned;
    }

    private static List<AssignedDevice> Others(IReadOnlyList<HostDevice> devices, AddressPool pool)
    {
        List<AssignedDevice> assigned = [];
        foreach (var device in devices.Where(d => d.DeviceName is { Length: > 0 }))
        {
            if (pool.Take(device.DeviceName!) is not var (kind, address))
                throw Missing("HostDevice", "spec.domain.devices.hostDevices", device.Name, device.DeviceName!);
            assigned.Add(new AssignedDevice(kind, $"hostdevice-{device.Name}", address));
        }

        return assigned;
    }

    private static UnsupportedSpecException Missing(string kind, string field, string? name, string resource) =>
        new(field, $"failed to create {kind} host-devices: the number of device plugin {kind}/s do not match the number of devices: '{name}' asks for {resource}, of which the pod has none left");
}
