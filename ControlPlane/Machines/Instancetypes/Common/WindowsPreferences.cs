using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes.Common;

/// <summary>What all Windows guests have in common: Hyper-V's enlightenments, and timers that don't lose ticks.</summary>
internal static class WindowsPreferences
{
    /// <summary>An hour: updates are installed on the way down.</summary>
    public const long TerminationGracePeriodSeconds = 3600;

    public static ClockPreferences Clock { get; } = new()
    {
        PreferredClockOffset = new ClockOffset { Utc = new ClockOffsetUTC() },
        PreferredTimer = new Messages.Api.KubeVirt.Timer
        {
            Hpet = new HPETTimer { Present = false },
            Hyperv = new HypervTimer(),
            Pit = new PITTimer { TickPolicy = "delay" },
            Rtc = new RTCTimer { TickPolicy = "catchup" },
        },
    };

    public static FeaturePreferences Features { get; } = new()
    {
        PreferredAcpi = new FeatureState(),
        PreferredApic = new FeatureAPIC(),
        PreferredHyperv = new FeatureHyperv
        {
            Frequencies = new FeatureState(),
            Ipi = new FeatureState(),
            Reenlightenment = new FeatureState(),
            Relaxed = new FeatureState(),
            Reset = new FeatureState(),
            Runtime = new FeatureState(),
            Spinlocks = new FeatureSpinlocks { Spinlocks = 8191 },
            Synic = new FeatureState(),
            Synictimer = new SyNICTimer { Direct = new FeatureState() },
            Tlbflush = new TLBFlush(),
            Vapic = new FeatureState(),
            Vpindex = new FeatureState(),
        },
    };
}
