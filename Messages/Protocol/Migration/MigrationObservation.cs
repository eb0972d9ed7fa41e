namespace Troupe.Messages.Protocol.Migration;

/// <summary>How far the sending end is. Only ever grows within one attempt, so an older report that comes late is recognised.</summary>
public enum SourceStage
{
    None,
    Migrating,

    /// <summary>Told to stop, or unsure of its own libvirt; the guest is not yet known to run here again.</summary>
    Aborting,

    /// <summary>Over: the guest is here, and this attempt will never pass on the right. A promise.</summary>
    Kept,

    /// <summary>Over: the guest is stopped here for good, and the right to run it is the target's.</summary>
    PassedOn,
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

    /// <summary>Was given the right, by the source or by the conductor, and runs the guest.</summary>
    Running,

    /// <summary>Has no guest and will not get one.</summary>
    Failed,
}

/// <summary>A launcher's part in a migration: the latest state, not a delta.</summary>
/// <param name="TargetEpoch">Which attempt.</param>
public sealed record MigrationObservation(string MigrationId, long TargetEpoch, SourceStage Source, TargetStage Target)
{
    /// <summary>Of a target that listens.</summary>
    public MigrationEndpoint? Endpoint { get; init; }

    /// <summary>Why the attempt ended, in words.</summary>
    public string? Message { get; init; }
    public MigrationProgress? Progress { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>QEMU's figures, bytes and milliseconds.</summary>
/// <param name="DirtyBytesPerSecond">How fast the guest writes to memory.</param>
/// <param name="Iteration">Passes over memory begun so far.</param>
public sealed record MigrationProgress(
    long ElapsedMs, long TotalBytes, long ProcessedBytes, long RemainingBytes, long BytesPerSecond, long DirtyBytesPerSecond, long Iteration, long DowntimeMs);
