using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>What a copy may take and what may be done to end it. Null: no limit.</summary>
/// <param name="Completion">From the start; then the guest is paused if it may be, or the attempt given up.</param>
/// <param name="NoProgress">How long what is left may fail to reach a new low.</param>
/// <param name="MayPause">The guest may be stopped to let the copy end.</param>
/// <param name="MayPostCopy">The guest may go on at the target before all of its memory is there.</param>
/// <param name="FirstDowntimeMs">How long the guest may stand still at the switch, to begin with.</param>
/// <param name="LastDowntimeMs">The most that this may become.</param>
internal sealed record ConvergenceRules(TimeSpan? Completion, TimeSpan? NoProgress, bool MayPause, bool MayPostCopy, long FirstDowntimeMs, long LastDowntimeMs)
{
    /// <summary>What QEMU allows unless told.</summary>
    public const long QemuDowntimeMs = 300;
    private const double GiB = 1L << 30;

    /// <summary>The guest's CPUs may be held back, which is given its time before anything harder is done.</summary>
    public bool MayThrottle { get; init; }

    /// <inheritdoc cref="MigrationOptions.DowntimeSteps"/>
    public DowntimeSteps? Steps { get; init; }

    /// <inheritdoc cref="MigrationOptions.StallDetection"/>
    public StallDetection? Stall { get; init; }

    /// <param name="bytes">Memory, and disks where they are copied, too.</param>
    public static ConvergenceRules Of(MigrationOptions options, long bytes)
    {
        var last = options.MaxDowntimeMs > 0 ? options.MaxDowntimeMs : QemuDowntimeMs;
        return new ConvergenceRules(
            options.CompletionTimeoutPerGiB > 0 ? TimeSpan.FromSeconds(options.CompletionTimeoutPerGiB * Math.Max(1, Math.Ceiling(bytes / GiB))) : null,
            options.ProgressTimeout > 0 ? TimeSpan.FromSeconds(options.ProgressTimeout) : null,
            options.AllowWorkloadDisruption,
            options.AllowPostCopy,
            Math.Min(options.DowntimeSteps?.InitialMs ?? QemuDowntimeMs, last),
            last)
        {
            MayThrottle = options.AutoConverge,
            Steps = options.DowntimeSteps,
            Stall = options.StallDetection,
        };
    }
}
