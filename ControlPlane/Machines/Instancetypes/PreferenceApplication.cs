using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Fills what an instance leaves open by what its guest system prefers; never overrides.</summary>
public static class PreferenceApplication
{
    public static VirtualMachineInstanceSpec Apply(VirtualMachineInstanceSpec spec, VirtualMachinePreferenceSpec preference)
    {
        var domain = spec.Domain ?? new DomainSpec();
        return spec with
        {
            Architecture = Text(spec.Architecture) ?? preference.PreferredArchitecture,
            Subdomain = Text(spec.Subdomain) ?? preference.PreferredSubdomain,
            TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds ?? preference.PreferredTerminationGracePeriodSeconds,
            Domain = domain with
            {
                Cpu = Cpu(domain.Cpu, preference.Cpu),
                Machine = Machine(domain.Machine, preference.Machine),
                Clock = Clock(domain.Clock, preference.Clock),
                Features = FeaturePreferenceApplication.Apply(domain.Features, preference.Features),
                Firmware = Firmware(domain.Firmware, preference.Firmware),
                LaunchSecurity = domain.LaunchSecurity ?? preference.PreferredLaunchSecurity,
                Devices = preference.Devices is { } devices ? DevicePreferenceApplication.Apply(domain.Devices ?? new Devices(), devices) : domain.Devices,
            },
        };
    }

    private static CPU? Cpu(CPU? cpu, CPUPreferences? preference)
    {
        if (preference?.PreferredCPUFeatures is not { Count: > 0 } preferred)
            return cpu;
        var own = cpu?.Features ?? [];
        return (cpu ?? new CPU()) with { Features = [.. own, .. preferred.Where(p => own.All(f => f.Name != p.Name))] };
    }

    private static Machine? Machine(Machine? machine, MachinePreferences? preference) =>
        Text(machine?.Type) is null && Text(preference?.PreferredMachineType) is { } type ? (machine ?? new Machine()) with { Type = type } : machine;

    private static Clock? Clock(Clock? clock, ClockPreferences? preference)
    {
        if (preference is null)
            return clock;
        var offset = preference.PreferredClockOffset;
        var filled = clock ?? new Clock();
        if (filled is { Utc: null, Timezone: null })
            filled = filled with { Utc = offset?.Utc, Timezone = offset?.Timezone };
        filled = filled with { Timer = Timer(filled.Timer, preference.PreferredTimer) };
        return clock is null && filled is { Utc: null, Timezone: null, Timer: null } ? null : filled;
    }

    private static Messages.Api.KubeVirt.Timer? Timer(Messages.Api.KubeVirt.Timer? timer, Messages.Api.KubeVirt.Timer? preferred) => (timer, preferred) switch
    {
        (null, _) => preferred,
        (_, null) => timer,
        _ => timer with
        {
            Hpet = timer.Hpet ?? preferred.Hpet,
            Hyperv = timer.Hyperv ?? preferred.Hyperv,
            Kvm = timer.Kvm ?? preferred.Kvm,
            Pit = timer.Pit ?? preferred.Pit,
            Rtc = timer.Rtc ?? preferred.Rtc,
        },
    };

    /// <summary>A boot loader that the machine chose itself leaves the preference no say.</summary>
    private static Firmware? Firmware(Firmware? firmware, FirmwarePreferences? preference)
    {
        if (preference is null)
            return firmware;
        var (bios, efi) = (firmware?.Bootloader?.Bios, firmware?.Bootloader?.Efi);
        var isOpen = bios is null && efi is null;
        if (isOpen && preference.PreferredUseBios is true)
            bios = new BIOS();
        else if (isOpen && preference.PreferredEfi is { } preferred)
            return (firmware ?? new Firmware()) with { Bootloader = new Bootloader { Efi = preferred } };
        else if (isOpen && preference.PreferredUseEfi is true)
            efi = new EFI();
        if (bios is not null)
            bios = bios with { UseSerial = bios.UseSerial ?? preference.PreferredUseBiosSerial };
        if (efi is not null)
            efi = efi with { SecureBoot = efi.SecureBoot ?? preference.PreferredUseSecureBoot };
        return bios is null && efi is null ? firmware : (firmware ?? new Firmware()) with { Bootloader = new Bootloader { Bios = bios, Efi = efi } };
    }

    internal static string? Text(string? text) => text is { Length: > 0 } ? text : null;
}
