using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Stress.Simulation;

/// <summary>One attempt to send a guest, as libvirt's long call knows it. Only its launcher's queue touches it.</summary>
internal sealed class SimulatedRun(MigrateDomain order, long memoryBytes, DateTimeOffset startedAt)
{
    private Convergence _convergence = new(ConvergenceRules.Of(order.Options, memoryBytes));

    public MigrateDomain Order { get; } = order;

    public SimulatedLink? Link { get; set; }

    public CopyModel? Copy { get; set; }

    public DateTimeOffset TickedAt { get; set; }

    public DateTimeOffset ProgressAt { get; set; }

    /// <summary>The guest stands still and its last bytes are on their way.</summary>
    public bool IsSwitched { get; set; }

    /// <summary>QEMU was told to switch to post-copy.</summary>
    public bool IsToldToSwitch { get; set; }

    /// <summary>It has: the guest cannot go on here.</summary>
    public bool IsInPostCopy { get; set; }

    public bool IsReturned { get; set; }

    /// <summary>The target is being told that it may run.</summary>
    public bool IsPassing { get; set; }

    /// <summary>Why the call is to come back; null while it need not.</summary>
    public string? Failure { get; private set; }

    public TimeSpan MaxDowntime { get; set; } = TimeSpan.FromMilliseconds(ConvergenceRules.Of(order.Options, memoryBytes).FirstDowntimeMs);

    /// <summary>What the real launcher would do about this copy now.</summary>
    public ConvergenceStep? Converge(DateTimeOffset now, double bytesPerSecond)
    {
        (_convergence, var step) = _convergence.Decide(now - startedAt, Progress(now, bytesPerSecond));
        return step;
    }

    public void Fail(string why) => Failure ??= why;

    public MigrationProgress Progress(DateTimeOffset now, double bytesPerSecond) => new(
        (long)(now - startedAt).TotalMilliseconds, Copy!.Guest.MemoryBytes, (long)Copy.Sent, (long)Copy.Left, (long)bytesPerSecond, Copy.Guest.DirtyBytesPerSecond, Copy.Iteration, 0);
}
