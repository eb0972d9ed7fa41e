using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>Disks, inputs, watchdogs, timers and probes with what they leave open filled in.</summary>
internal static class DeviceDefaults
{
    private const string Reset = "reset";

    public static Devices Apply(Devices devices, string? architecture) => devices with
    {
        Disks = devices.Disks?.Select(d => Disk(d, architecture)).ToList(),
        Inputs = devices.Inputs?.Select(i => i with { Bus = Or(i.Bus, "usb"), Type = Or(i.Type, "tablet") }).ToList(),
        Gpus = devices.Gpus?.Select(Gpu).ToList(),
        Watchdog = Watchdog(devices.Watchdog, architecture),
    };

    /// <summary>SATA works in any PC guest without drivers; the other architectures have virtio alone.</summary>
    private static Disk Disk(Disk disk, string? architecture)
    {
        var bus = architecture is "arm64" or "s390x" ? "virtio" : "sata";
        if (disk is { DiskValue: null, Cdrom: null, Lun: null })
            disk = disk with { DiskValue = new DiskTarget() };
        return disk with
        {
            DiskValue = disk.DiskValue is { } d ? d with { Bus = Or(d.Bus, bus) } : null,
            Cdrom = disk.Cdrom is { } c ? c with { Bus = Or(c.Bus, bus), Readonly = c.Readonly ?? true, Tray = Or(c.Tray, "closed") } : null,
            Lun = disk.Lun is { } l ? l with { Bus = Or(l.Bus, bus) } : null,
            BlockSize = disk.BlockSize is { } b ? b with { MatchVolume = FeatureDefaults.On(b.MatchVolume) } : null,
        };
    }

    private static GPU Gpu(GPU gpu) => gpu.VirtualGPUOptions is { Display: { RamFB: { } ram } display } options
        ? gpu with { VirtualGPUOptions = options with { Display = display with { RamFB = FeatureDefaults.On(ram) } } }
        : gpu;

    private static Watchdog? Watchdog(Watchdog? watchdog, string? architecture) => (watchdog, architecture) switch
    {
        (null, _) or (_, "arm64") => watchdog,
        (_, "s390x") => watchdog with { Diag288 = new Diag288Watchdog { Action = Or(watchdog.Diag288?.Action, Reset) } },
        _ => watchdog with { I6300esb = new I6300ESBWatchdog { Action = Or(watchdog.I6300esb?.Action, Reset) } },
    };

    public static Clock? Clock(Clock? clock) => clock is not { Timer: { } t } ? clock : clock with
    {
        Timer = t with
        {
            Hpet = t.Hpet is { } hpet ? hpet with { Present = hpet.Present ?? true } : null,
            Kvm = t.Kvm is { } kvm ? kvm with { Present = kvm.Present ?? true } : null,
            Pit = t.Pit is { } pit ? pit with { Present = pit.Present ?? true } : null,
            Rtc = t.Rtc is { } rtc ? rtc with { Present = rtc.Present ?? true } : null,
            Hyperv = t.Hyperv is { } hyperv ? hyperv with { Present = hyperv.Present ?? true } : null,
        },
    };

    public static Probe? Probe(Probe? probe) => probe is null ? null : probe with
    {
        TimeoutSeconds = AtLeastOne(probe.TimeoutSeconds, 1),
        PeriodSeconds = AtLeastOne(probe.PeriodSeconds, 10),
        SuccessThreshold = AtLeastOne(probe.SuccessThreshold, 1),
        FailureThreshold = AtLeastOne(probe.FailureThreshold, 3),
    };

    private static int AtLeastOne(int? value, int otherwise) => value is >= 1 ? value.Value : otherwise;

    private static string Or(string? value, string otherwise) => value.OrEmpty() is { Length: > 0 } own ? own : otherwise;
}
