using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

public enum TargetPodState
{
    /// <summary>Never seen: not created, or its creation is not yet known.</summary>
    Unknown,
    Pending,
    Running,

    /// <summary>Ended, being deleted, or gone after it was seen.</summary>
    Over,

    /// <summary>Gone from the API server.</summary>
    Gone,
}

/// <summary>What is known of both ends at this moment; nothing here is a decision, and everything can be asked for again.</summary>
public sealed record MigrationFacts
{
    /// <summary>The source's latest word on this attempt.</summary>
    public SourceStage Source { get; init; }
    public string? SourceMessage { get; init; }

    /// <summary>The source launcher is gone, and its QEMU with it.</summary>
    public bool SourceLost { get; init; }

    /// <summary>When it ended, so long as there may be news of it: its node's agent has not spoken yet, or says that the target decides.</summary>
    public DateTimeOffset? SourceEndedAt { get; init; }

    /// <summary>The guest ended by itself at the source, or its QEMU died there.</summary>
    public bool GuestEnded { get; init; }

    /// <summary>Nothing is left on the source node.</summary>
    public bool SourceReleased { get; init; }

    /// <summary>The source pod has ended when its launcher has, and need not be deleted.</summary>
    public bool SourceEndsByItself { get; init; }
    public required string SourceNode { get; init; }

    public TargetPodState Pod { get; init; }
    public string? PodNode { get; init; }
    public string? PodUid { get; init; }
    public string? PodMessage { get; init; }

    /// <summary>The target's node takes in no more for now.</summary>
    public bool Held { get; init; }

    /// <summary>The settings allow post-copy, and both ends can do it.</summary>
    public bool MayPostCopy { get; init; }

    /// <summary>The target's latest word on this attempt.</summary>
    public TargetStage Target { get; init; }
    public string? TargetReason { get; init; }
    public string? TargetMessage { get; init; }
    public bool TargetLost { get; init; }

    /// <summary>The target pod shows that the network was told.</summary>
    public bool AddressesLed { get; init; }

    /// <summary>Of the claims for the guest's state only the right one is left.</summary>
    public bool StateSettled { get; init; }

    /// <summary>Nothing is left on the target node.</summary>
    public bool TargetReleased { get; init; }

    /// <summary>Somebody wants the attempt ended: why, and in what words.</summary>
    public (string Reason, string Message)? Cancel { get; init; }
}

/// <summary>How long the steps may take.</summary>
/// <param name="Unschedulable">For a pod that no node takes; KubeVirt's is 5 minutes.</param>
/// <param name="Pending">For any pod that does not come to run; KubeVirt's is 15 minutes.</param>
/// <param name="Preparing">From the pod's start until its launcher listens.</param>
/// <param name="Completion">From the start of the copying. The source ends it by itself within its own time; this is for one that does not.</param>
/// <param name="LastWord">For the agent of a source that died to tell its launcher's last word, and for the target to have the guest whole or lose it.</param>
public sealed record MigrationLimits(TimeSpan Unschedulable, TimeSpan Pending, TimeSpan Preparing, TimeSpan Completion, TimeSpan LastWord)
{
    /// <summary>For the source pod to end by itself after the handover; one that does not (its agent may be away) is deleted.</summary>
    public TimeSpan Leaving { get; init; } = TimeSpan.FromSeconds(10);

    public static MigrationLimits Default { get; } =
        new(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(150), TimeSpan.FromSeconds(30));
}
