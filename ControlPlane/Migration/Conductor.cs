using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>What the VmiActor is to do for a migration; each may be repeated without harm, and is until the facts show that it is done.</summary>
[Flags]
public enum ConductorActions
{
    None = 0,
    CreatePod = 1,
    PrepareTarget = 2,
    Start = 4,
    Abort = 8,
    Adopt = 16,
    ReleaseSource = 32,
    DeleteSourcePod = 64,
    ReleaseTarget = 128,
    DeleteTargetPod = 256,

    /// <summary>Make the target promise that it will never run the guest, or hear that it has the right.</summary>
    RefuseTarget = 512,

    /// <summary>Tell the network where the guest is now.</summary>
    LeadAddresses = 1024,

    /// <summary>The target's claim for TPM and UEFI state becomes the guest's, and the one before goes.</summary>
    HandOverState = 2048,

    /// <summary>That claim goes: the guest has not come to it.</summary>
    DropState = 4096,
}

/// <param name="Step">The next step, to be journaled before anything else happens; null when there is none now.</param>
public sealed record Conducting(IMigrationEvent? Step, ConductorActions Actions)
{
    public static Conducting Wait { get; } = new(null, ConductorActions.None);
}

/// <summary>
/// The conductor of a live migration, as a pure function: asked again after every message, every journaled step and every timer, it
/// answers with the next step only. Between <see cref="MigrationStarted"/> and the source's last word it decides nothing about who runs
/// the guest: it can ask the source to stop, and has to take its answer.
/// </summary>
public static class Conductor
{
    public static Conducting Decide(OngoingMigration migration, MigrationFacts facts, DateTimeOffset now, MigrationLimits limits) => migration.Step switch
    {
        MigrationStep.Accepted => FindTarget(migration, facts, now, limits),
        MigrationStep.Assigned => Prepare(migration, facts, now, limits),
        MigrationStep.Started or MigrationStep.Aborting => Follow(migration, facts, now, limits),
        MigrationStep.HandedOver => Settle(migration, facts, now, limits),
        _ => CleanUp(migration, facts, now),
    };

    private static Conducting FindTarget(OngoingMigration m, MigrationFacts facts, DateTimeOffset now, MigrationLimits limits)
    {
        if (Hopeless(facts) is var (reason, message))
            return Fail(m, now, reason, message);
        var waited = now - m.AcceptedAt;
        return facts.Pod switch
        {
            TargetPodState.Over or TargetPodState.Gone => Fail(m, now, "TargetPodFailed", facts.PodMessage ?? "Migration failed because target pod shutdown during migration"),
            TargetPodState.Running when facts.PodNode == facts.SourceNode => Fail(m, now, "SameNode", $"target pod {m.PodName} was placed on the source node {facts.SourceNode}"),
            TargetPodState.Running when facts.Held => Conducting.Wait,
            TargetPodState.Running => new(new MigrationTargetAssigned(m.Id, facts.PodNode!, facts.PodUid!, now), ConductorActions.None),
            TargetPodState.Pending when waited > (facts.PodNode is null ? limits.Unschedulable : limits.Pending) =>
                Fail(m, now, "TargetPodPending", $"target pod {m.PodName} did not come to run within {waited.TotalSeconds:0} s: {facts.PodMessage ?? "no reason is known"}"),
            TargetPodState.Pending => Conducting.Wait,
            _ when waited > limits.Pending => Fail(m, now, "TargetPodMissing", $"target pod {m.PodName} could not be created: {facts.PodMessage ?? "no reason is known"}"),
            _ => new(null, ConductorActions.CreatePod),
        };
    }

    private static Conducting Prepare(OngoingMigration m, MigrationFacts facts, DateTimeOffset now, MigrationLimits limits)
    {
        if (Hopeless(facts) is var (reason, message))
            return Fail(m, now, reason, message);
        if (TargetIsGone(facts))
            return Fail(m, now, facts.TargetReason ?? "TargetFailed", facts.TargetMessage ?? facts.PodMessage ?? "Migration failed because target pod shutdown during migration");
        if (facts.Target is TargetStage.Ready)
            return new(new MigrationStarted(m.Id, now) { MayPostCopy = facts.MayPostCopy ? true : null }, ConductorActions.None);
        return now - m.AssignedAt > limits.Preparing
            ? Fail(m, now, "TargetNotReady", $"the target on node {m.TargetNode} was not ready within {limits.Preparing.TotalSeconds:0} s")
            : new(null, ConductorActions.PrepareTarget);
    }

    private static Conducting Follow(OngoingMigration m, MigrationFacts facts, DateTimeOffset now, MigrationLimits limits)
    {
        // A target runs only if the source has passed the right on, whatever became of the source's own report.
        // And one that died before it had gone back leaves the guest to a target that has it whole.
        if (facts.Source is SourceStage.Switched or SourceStage.PassedOn || facts.Target is TargetStage.Arriving or TargetStage.Running || facts is { Source: SourceStage.Stopped, Target: TargetStage.Loaded })
            return new(new RightHandedOver(m.Id, m.TargetEpoch, m.TargetNode!, m.PodName, m.TargetPodUid!, now) { PostCopy = facts.Source is SourceStage.Switched || facts.Target is TargetStage.Arriving ? true : null }, ConductorActions.None);
        if (facts.Source is SourceStage.Kept)
            return Fail(m, now, m.Reason ?? "MigrationFailed", m.Message ?? facts.SourceMessage ?? "source node reported migration failed");
        if (facts.SourceLost && TargetIsGone(facts))
            return Fail(m, now, "SourceLost", "the source launcher ended during the migration, and the guest with it");
        if (facts.SourceEndedAt is { } ended && now - ended < limits.LastWord)
            return Conducting.Wait;
        // A source that died without a last word may have let the guest go on after the target had its copy, which then must not run;
        // or it passed the right on before it died. The target knows.
        if (facts.SourceLost)
            return new(null, ConductorActions.RefuseTarget);
        if (m.Step is MigrationStep.Aborting)
            return new(null, ConductorActions.Abort);
        if (facts.Cancel is var (reason, message))
            return Abort(m, now, reason, message);
        if (TargetIsGone(facts))
            return Abort(m, now, "TargetFailed", facts.TargetMessage ?? "Migration target pod was removed during active migration.");
        if (now - m.StartedAt > limits.Completion)
            return Abort(m, now, "CompletionTimeout", $"Live migration has been aborted: not completed within {limits.Completion.TotalSeconds:0} s");
        return new(null, facts.Source is SourceStage.None ? ConductorActions.Start : ConductorActions.None);
    }

    private static Conducting Settle(OngoingMigration m, MigrationFacts facts, DateTimeOffset now, MigrationLimits limits)
    {
        var actions = ConductorActions.None;
        // What is left of the guest's memory comes from the source, which until then needs its address itself.
        var isAwaited = m.PostCopy && facts.Target is not TargetStage.Running && !TargetIsGone(facts);
        if (!facts.AddressesLed && !TargetIsGone(facts) && !isAwaited)
            actions |= ConductorActions.LeadAddresses;
        if (facts.Target is not (TargetStage.Arriving or TargetStage.Running) && !TargetIsGone(facts))
            actions |= ConductorActions.Adopt;
        if (!facts.SourceReleased && !isAwaited)
            actions |= ConductorActions.ReleaseSource | (facts.SourceEndsByItself && now - m.EndedAt < limits.Leaving ? ConductorActions.None : ConductorActions.DeleteSourcePod);
        if (MovesState(m, facts) && (facts.Target is TargetStage.Running || TargetIsGone(facts)))
            actions |= HasWholeState(m, facts) ? ConductorActions.HandOverState : ConductorActions.DropState;
        return actions is ConductorActions.None && !isAwaited && !MovesState(m, facts) ? new(new MigrationReleased(m.Id, now) { Lost = Lost(m, facts) }, actions) : new(null, actions);
    }

    /// <summary>
    /// A target of which nothing is left to ask may have run the guest, unless that may have gone before it was whole. What has not all come is of no
    /// use: the source's claim has what the guest last wrote.
    /// </summary>
    private static bool HasWholeState(OngoingMigration m, MigrationFacts facts) =>
        facts.Target is TargetStage.Running || (facts.Target is not TargetStage.Failed && !m.MayPostCopy);

    /// <summary>After a switch to post-copy the guest may have been lost on its way, which is no migration that succeeded.</summary>
    private static string? Lost(OngoingMigration m, MigrationFacts facts) =>
        m.PostCopy && facts.Target is not TargetStage.Running && TargetIsGone(facts) ? Brief(facts.TargetMessage ?? "the guest was lost in post-copy, before all of its memory was at the target") : null;

    private static Conducting CleanUp(OngoingMigration m, MigrationFacts facts, DateTimeOffset now)
    {
        // A pod whose creation may still be on its way is deleted when it appears.
        var actions = facts.TargetReleased ? ConductorActions.None
            : m.TargetNode is null ? ConductorActions.DeleteTargetPod : ConductorActions.ReleaseTarget | ConductorActions.DeleteTargetPod;
        if (MovesState(m, facts))
            actions |= ConductorActions.DropState;
        return new(actions is ConductorActions.None ? new MigrationReleased(m.Id, now) : null, actions);
    }

    /// <summary>There are two claims for the guest's state, or may be.</summary>
    private static bool MovesState(OngoingMigration m, MigrationFacts facts) => m.State is { AreTwo: true } && !facts.StateSettled;

    /// <summary>Before the start the conductor alone decides, and nothing has to be asked of the source.</summary>
    private static (string Reason, string Message)? Hopeless(MigrationFacts facts) =>
        facts.Cancel ?? (facts.SourceLost || facts.GuestEnded ? ("GuestEnded", "Migration failed vmi shutdown during migration.") : null);

    private static bool TargetIsGone(MigrationFacts facts) =>
        facts.TargetLost || facts.Target is TargetStage.Failed || facts.Pod is TargetPodState.Over or TargetPodState.Gone;

    private static Conducting Fail(OngoingMigration m, DateTimeOffset now, string reason, string message) =>
        new(new MigrationFailed(m.Id, reason, Brief(message), now), ConductorActions.None);

    private static Conducting Abort(OngoingMigration m, DateTimeOffset now, string reason, string message) =>
        new(new MigrationAborting(m.Id, reason, Brief(message), now), ConductorActions.None);

    /// <summary>What libvirt and QEMU have to say may be pages; a status and an event take a line of it.</summary>
    private static string Brief(string message)
    {
        const int Longest = 400;
        var line = string.Join("; ", message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return line.Length <= Longest ? line : $"{line[..Longest].TrimEnd()} …";
    }
}
