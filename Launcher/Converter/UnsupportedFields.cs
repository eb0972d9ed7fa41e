using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>Every field that the converter does not translate, so that none is silently ignored.</summary>
internal static class UnsupportedFields
{
    private static readonly (string Field, Func<VirtualMachineInstanceSpec, bool> IsSet)[] Fields =
    [
        ("spec.accessCredentials", s => s.AccessCredentials is { Count: > 0 }),
        ("spec.utilityVolumes", s => s.UtilityVolumes is { Count: > 0 }),
        ("spec.domain.chassis", s => s.Domain?.Chassis is not null),
        ("spec.domain.cpu.dedicatedCpuPlacement", s => s.Domain?.Cpu?.DedicatedCpuPlacement is true),
        ("spec.domain.cpu.numa", s => s.Domain?.Cpu?.Numa is not null),
        ("spec.domain.cpu.realtime", s => s.Domain?.Cpu?.Realtime is not null),
        ("spec.domain.devices.autoattachVSOCK", s => s.Domain?.Devices?.AutoattachVSOCK is true),
        ("spec.domain.devices.clientPassthrough", s => s.Domain?.Devices?.ClientPassthrough is not null),
        ("spec.domain.devices.downwardMetrics", s => s.Domain?.Devices?.DownwardMetrics is not null),
        ("spec.domain.devices.filesystems", s => s.Domain?.Devices?.Filesystems is { Count: > 0 }),
        ("spec.domain.devices.gpus", s => s.Domain?.Devices?.Gpus is { Count: > 0 }),
        ("spec.domain.devices.hostDevices", s => s.Domain?.Devices?.HostDevices is { Count: > 0 }),
        ("spec.domain.devices.panicDevices", s => s.Domain?.Devices?.PanicDevices is { Count: > 0 }),
        ("spec.domain.devices.tpm", s => s.Domain?.Devices?.Tpm is { Enabled: not false }),
        ("spec.domain.features.hyperv", s => s.Domain?.Features?.Hyperv is not null),
        ("spec.domain.features.hypervPassthrough", s => s.Domain?.Features?.HypervPassthrough is not null),
        ("spec.domain.firmware.acpi", s => s.Domain?.Firmware?.Acpi is not null),
        ("spec.domain.firmware.bootloader.efi", s => s.Domain?.Firmware?.Bootloader?.Efi is not null),
        ("spec.domain.ioThreads", s => s.Domain?.IoThreads is not null),
        ("spec.domain.ioThreadsPolicy", s => s.Domain?.IoThreadsPolicy is { Length: > 0 }),
        ("spec.domain.launchSecurity", s => s.Domain?.LaunchSecurity is not null),
        ("spec.domain.memory.hugepages", s => s.Domain?.Memory?.Hugepages is not null),
        ("spec.domain.memory.maxGuest", s => s.Domain?.Memory?.MaxGuest is not null),
    ];

    /// <exception cref="UnsupportedSpecException">Names the first one that is set.</exception>
    public static void Check(VirtualMachineInstanceSpec spec)
    {
        foreach (var (field, isSet) in Fields)
        {
            if (isSet(spec))
                throw new UnsupportedSpecException(field, "is not supported by this launcher");
        }
    }
}
