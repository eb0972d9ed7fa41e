using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>A machine whose instances end before they ever run is started again more and more rarely.</summary>
public static class StartBackoff
{
    private const int BaseSeconds = 10;
    private const int MaxSeconds = 300;

    /// <param name="failures">In a row.</param>
    /// <param name="jitter">0 to 1; keeps machines that failed together from starting together.</param>
    public static TimeSpan Delay(int failures, double jitter)
    {
        var seconds = BaseSeconds * Math.Pow(Math.Max(failures, 1), 2);
        return TimeSpan.FromSeconds(Math.Min(MaxSeconds, Math.Floor(seconds * (1 + jitter / 2))));
    }

    /// <summary>The failures as they stand after what <paramref name="instance"/> tells; null when there are none.</summary>
    public static VirtualMachineStartFailure? Observe(VirtualMachineStartFailure? known, string strategy, VirtualMachineInstance? instance, DateTimeOffset now, double jitter)
    {
        if (!RunStrategies.RetriesStart(strategy) || (instance is not null && EverRan(instance)))
            return null;
        if (instance is null || !instance.IsFinal() || known?.LastFailedVMIUID == instance.Metadata.Uid)
            return known;
        var failures = (known?.ConsecutiveFailCount ?? 0) + 1;
        return new VirtualMachineStartFailure
        {
            ConsecutiveFailCount = failures,
            LastFailedVMIUID = instance.Metadata.Uid,
            RetryAfterTimestamp = now + Delay(failures, jitter),
        };
    }

    private static bool EverRan(VirtualMachineInstance instance) =>
        instance.Status?.Phase == VmiPhases.Running || instance.Status?.PhaseTransitionTimestamps?.Any(t => t.Phase == VmiPhases.Running) is true;
}
