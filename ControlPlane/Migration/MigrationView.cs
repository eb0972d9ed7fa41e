using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Migration;

/// <summary>From what the VmiActor knows to what the conductor asks.</summary>
internal static class MigrationView
{
    public static MigrationFacts Of(VmiState state, OngoingMigration migration)
    {
        var moved = migration.Step is MigrationStep.HandedOver;
        var source = moved ? null : state.Report;
        var target = moved ? state.Report : state.Moving.TargetReport;
        var pod = moved ? state.Pod : state.Moving.TargetPod;
        var isBroken = Travelling.IsBroken(state, migration);
        var departed = state.Moving.DepartedPodSeen;
        // A claim that a completed pod names is kept by Kubernetes.
        var mustGo = departed is { HasOtherContainers: true } || HasAttachments(state, state.Moving.Departed?.PodUid) || migration is { Claims: not null } or { State.AreTwo: true };
        return new MigrationFacts
        {
            SourceNode = (moved ? state.Moving.Departed : state.Right)?.Node ?? "",
            Source = OfAttempt(source, migration)?.Source ?? SourceStage.None,
            SourceMessage = OfAttempt(source, migration)?.Message,
            SourceLost = !moved && (state.Report?.Launcher is LauncherPresence.Lost || state.PodIsGone || state.Pod is { Phase: "Failed" or "Succeeded" }),
            SourceEndedAt = moved ? null : EndedAt(state, migration),
            GuestEnded = source?.Domain is { State: DomainState.Shutoff or DomainState.Crashed } domain && domain.Reason is not DomainReason.Migrated,
            SourceReleased = state.Moving.DepartedPodIsGone || (departed is { HasEndedWell: true } && (departed.Deleting || !mustGo)),
            SourceEndsByItself = departed is not ({ Phase: "Failed" } or { Deleting: true }) && !mustGo,
            Pod = isBroken ? TargetPodState.Over : PodState(pod, moved ? state.PodIsGone : state.Moving.TargetPodIsGone),
            PodNode = pod?.Node,
            PodUid = pod?.Uid,
            PodMessage = isBroken ? "Migration failed because target attachment pod shutdown during migration" : pod?.TerminatedMessage ?? pod?.WaitingMessage ?? pod?.Scheduled?.Message ?? state.Moving.TargetPodError ?? StorageMigration.Awaited(state, migration),
            // Not known after a restart; whoever gives the slots says it again.
            Held = state.Moving.Wish is not { Held: false },
            Target = OfAttempt(target, migration)?.Target ?? TargetStage.None,
            TargetReason = OfAttempt(target, migration)?.Reason,
            // Of a guest that ran there, its own end says more.
            TargetMessage = OfAttempt(target, migration)?.Message ?? (moved ? target?.Domain.Message : null),
            TargetLost = target?.Launcher is LauncherPresence.Lost,
            AddressesLed = moved && state.Moving.AddressesLed == migration.Id,
            StateSettled = state.Moving.StateClaimSettled == migration.Id,
            TargetReleased = state.Moving.TargetPodIsGone,
            Cancel = Cancel(state, migration),
        };
    }

    /// <summary>The pods of plugged volumes are their launcher pod's, and go with it only.</summary>
    private static bool HasAttachments(VmiState state, string? podUid) => state.Storage.Attachments.Values.Any(a => a.LauncherPodUid == podUid);

    public static MigrationObservation? OfAttempt(DomainReported? report, OngoingMigration migration) =>
        report?.Domain.Migration is { } observed && observed.TargetEpoch == migration.TargetEpoch ? observed : null;

    /// <summary>An agent that knows the launcher gone has had its say. A pod that is gone has no word left for it to find.</summary>
    private static DateTimeOffset? EndedAt(VmiState state, OngoingMigration migration) =>
        state.Report?.Launcher is LauncherPresence.Lost ? OfAttempt(state.Report, migration) is { Source: SourceStage.Stopped } stopped ? stopped.EndedAt : null
        : state.PodIsGone ? null
        : state.Pod?.EndedAt;

    private static TargetPodState PodState(Messages.Protocol.Vmi.PodObservation? pod, bool isGone) => (pod, isGone) switch
    {
        (_, true) => TargetPodState.Gone,
        (null, _) => TargetPodState.Unknown,
        ({ Deleting: true } or { Phase: "Failed" or "Succeeded" }, _) => TargetPodState.Over,
        ({ Ready: true, Node: not null }, _) => TargetPodState.Running,
        _ => TargetPodState.Pending,
    };

    private static (string, string)? Cancel(VmiState state, OngoingMigration migration) => state switch
    {
        { IsDeleting: true } => ("VmiDeleted", "Migration failed vmi shutdown during migration."),
        { Moving.Wish: { Cancel: true } wish } when wish.MigrationId == migration.Id => ("Cancelled", "Migration failed due to being canceled"),
        _ => StorageMigration.Cancel(state, migration),
    };
}
