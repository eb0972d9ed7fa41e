using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

public enum MigrationStep
{
    /// <summary>A target pod is wanted.</summary>
    Accepted,

    /// <summary>The target pod runs on its node and is to be prepared.</summary>
    Assigned,

    /// <summary>The source may pass the right on.</summary>
    Started,

    /// <summary>The source is to end the attempt; it may have passed the right on already.</summary>
    Aborting,

    /// <summary>The target has the right; the source is to be released.</summary>
    HandedOver,

    /// <summary>The source has kept the guest; the target is to be released.</summary>
    Failed,
}

/// <summary>A migration as the VmiActor's journal has it.</summary>
/// <param name="Id">UID of the VirtualMachineInstanceMigration.</param>
public sealed record OngoingMigration(string Id, string Name, string PodName, long TargetEpoch, string KeptAddresses, DateTimeOffset AcceptedAt)
{
    public MigrationStep Step { get; init; }
    public string? TargetNode { get; init; }
    public string? TargetPodUid { get; init; }
    public DateTimeOffset? AssignedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>A CamelCase word for why it failed or is being aborted.</summary>
    public string? Reason { get; init; }
    public string? Message { get; init; }

    /// <summary>Nobody but the source can tell who will run the guest.</summary>
    public bool IsInTheSourcesHands => Step is MigrationStep.Started or MigrationStep.Aborting;

    /// <summary>Who has the guest is settled; only the other end remains to be released.</summary>
    public bool IsSettled => Step is MigrationStep.HandedOver or MigrationStep.Failed;

    /// <inheritdoc cref="RightHandedOver.PostCopy"/>
    public bool PostCopy { get; init; }

    /// <inheritdoc cref="MigrationStarted.MayPostCopy"/>
    public bool MayPostCopy { get; init; }

    /// <inheritdoc cref="MigrationReleased.Lost"/>
    public string? Lost { get; init; }

    /// <inheritdoc cref="MigrationAccepted.Claims"/>
    public IReadOnlyDictionary<string, string>? Claims { get; init; }

    /// <inheritdoc cref="MigrationAccepted.State"/>
    public StateClaims? State { get; init; }

    public static OngoingMigration? Apply(OngoingMigration? migration, IMigrationEvent e) => e switch
    {
        MigrationAccepted accepted => new OngoingMigration(accepted.MigrationId, accepted.Name, accepted.PodName, accepted.TargetEpoch, accepted.KeptAddresses, accepted.At) { Claims = accepted.Claims, State = accepted.State },
        MigrationReleased => null,
        _ when migration is null => throw new ArgumentOutOfRangeException(nameof(e), e, "no migration is under way"),
        MigrationTargetAssigned assigned => migration with
        {
            Step = MigrationStep.Assigned,
            TargetNode = assigned.Node,
            TargetPodUid = assigned.PodUid,
            AssignedAt = assigned.At,
        },
        MigrationStarted started => migration with { Step = MigrationStep.Started, StartedAt = started.At, MayPostCopy = started.MayPostCopy is true },
        MigrationAborting aborting => migration with { Step = MigrationStep.Aborting, Reason = aborting.Reason, Message = aborting.Message },
        RightHandedOver handover => migration with { Step = MigrationStep.HandedOver, EndedAt = handover.At, Reason = null, Message = null, PostCopy = handover.PostCopy is true },
        MigrationFailed failed => migration with { Step = MigrationStep.Failed, EndedAt = failed.At, Reason = failed.Reason, Message = failed.Message },
        _ => throw new ArgumentOutOfRangeException(nameof(e), e, "not a step of a migration"),
    };
}
