namespace Troupe.Messages.Protocol.Migration;

/// <summary>How far the sending end is. Only ever grows within one attempt, so an older report that comes late is recognised.</summary>
public enum SourceStage
{
    None,
    Migrating,

    /// <summary>QEMU was told to switch to post-copy. It can no longer be told to stop: nobody would know which of the two came first.</summary>
    Switching,

    /// <summary>Told to stop, or unsure of its own libvirt; the guest is not yet known to run here again.</summary>
    Aborting,

    /// <summary>Over: the guest is here, and this attempt will never pass on the right. A promise.</summary>
    Kept,

    /// <summary>
    /// In post-copy: the guest can never run here again and the right to run it is the target's, but some of its memory is still here. From
    /// now on the end of either side is the guest's.
    /// </summary>
    Switched,

    /// <summary>Over: the guest is stopped here for good, and the right to run it is the target's.</summary>
    PassedOn,

    /// <summary>
    /// Over: the launcher died and the guest's QEMU with it, and until then this side had not gone back. What the target has whole is the
    /// guest, and nothing else is. Its node's agent says so, by the launcher's <see cref="LastWord"/>.
    /// </summary>
    Stopped,
}

/// <summary>How far the receiving end is. Only ever grows within one attempt.</summary>
public enum TargetStage
{
    None,
    Preparing,

    /// <summary>Listens for the guest.</summary>
    Ready,

    /// <summary>Has the guest whole, paused: without the right it does not run.</summary>
    Loaded,

    /// <summary>Runs the guest, by the right that came with the switch to post-copy; some of its memory is still at the source.</summary>
    Arriving,

    /// <summary>Was given the right, by the source or by the conductor, and runs the guest.</summary>
    Running,

    /// <summary>Has no guest and will not get one; or lost the one that was arriving.</summary>
    Failed,
}

/// <summary>A launcher's part in a migration: the latest state, not a delta.</summary>
/// <param name="TargetEpoch">Which attempt.</param>
public sealed record MigrationObservation(string MigrationId, long TargetEpoch, SourceStage Source, TargetStage Target)
{
    /// <summary>Of a target that listens.</summary>
    public MigrationEndpoint? Endpoint { get; init; }

    /// <summary>A CamelCase word for why a target cannot take the guest.</summary>
    public string? Reason { get; init; }

    /// <summary>Why the attempt ended, in words.</summary>
    public string? Message { get; init; }
    public MigrationProgress? Progress { get; init; }

    /// <summary>What the source does so that the copy ends; null until that takes long enough to be worth a word.</summary>
    public MigrationForecast? Forecast { get; init; }

    /// <summary>Of a target that listens: why nothing can come to it by post-copy; null when something can.</summary>
    public string? PostCopyProblem { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>QEMU's figures, bytes and milliseconds.</summary>
/// <param name="DirtyBytesPerSecond">How fast the guest writes to memory.</param>
/// <param name="Iteration">Passes over memory begun so far.</param>
/// <param name="ThrottlePercent">How much of their time the guest's CPUs are held back (auto-converge).</param>
public sealed record MigrationProgress(
    long ElapsedMs, long TotalBytes, long ProcessedBytes, long RemainingBytes, long BytesPerSecond, long DirtyBytesPerSecond, long Iteration, long DowntimeMs, long ThrottlePercent = 0);

public enum MigrationStrategy
{
    /// <summary>Copies while the guest runs, and changes nothing about it.</summary>
    Copying,

    /// <summary>Holds the guest's CPUs back (auto-converge).</summary>
    Throttling,

    /// <summary>Lets the guest stand still longer at the switch than it would like to.</summary>
    WideningDowntime,

    /// <summary>The guest stands still until the copy is whole.</summary>
    Paused,

    /// <summary>The guest goes on at the target before all of its memory is there.</summary>
    PostCopy,
}

/// <param name="Message">For people, with an estimate of how long it will take.</param>
public sealed record MigrationForecast(MigrationStrategy Strategy, string Message);
