using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>`status.phase` of a VirtualMachineInstanceMigration, as far as the VmiActor can tell it.</summary>
public static class MigrationPhases
{
    public const string Pending = "Pending";
    public const string Scheduling = "Scheduling";
    public const string Scheduled = "Scheduled";
    public const string PreparingTarget = "PreparingTarget";
    public const string TargetReady = "TargetReady";
    public const string Running = "Running";
    public const string Succeeded = "Succeeded";
    public const string Failed = "Failed";

    public static bool IsFinal(string? phase) => phase is Succeeded or Failed;

    /// <summary>Its target pod is there, or has been.</summary>
    public static bool HasBegun(string? phase) => phase is not (null or "" or Pending);

    public static MigrationNews News(VmiState state, string migrationId)
    {
        if (state.Moving.Ongoing is { } m && m.Id == migrationId)
            return Ongoing(state, m);
        if (state.Moving.Past.FirstOrDefault(p => p.Id == migrationId) is { } past)
            return new MigrationNews(state.Uid, past.Id, past.Step is not MigrationStep.HandedOver || past.Lost is not null ? Failed : IsShown(state) ? Succeeded : Running, past.Reason, past.Lost ?? past.Message, past.TargetNode, past.PodName, StoryOf(state, past));
        return state switch
        {
            // One that is gone for good is not told of any more: whoever waits for its object would wait for ever.
            { Retired: true } or { Vmi: null, ObjectGone: true } => Never("VmiDeleted", "Migration failed vmi shutdown during migration."),
            { Vmi: null } => new MigrationNews(state.Uid, migrationId, null, null, null, null),
            { Moving.Wish: { Cancel: true } wish } when wish.MigrationId == migrationId => Never("Cancelled", "Migration failed due to being canceled"),
            { IsFinal: true } or { IsDeleting: true } => Never("VmiDeleted", "Migration failed vmi shutdown during migration."),
            // Who has the guest is settled there, and what is left is cleared away within moments.
            { Moving.Ongoing.IsSettled: false } => Never("InProgress", "VMI is not eligible for migration because another migration job is in progress."),
            _ => new MigrationNews(state.Uid, migrationId, Pending, null, null, null),
        };

        MigrationNews Never(string reason, string message) => new(state.Uid, migrationId, Failed, reason, message, null);
    }

    /// <summary>Whoever waits for the migration and then reads where the guest is must find it there.</summary>
    private static bool IsShown(VmiState state) => state.Right is null || state.Vmi?.Status?.NodeName == state.Right.Node;

    private static MigrationNews Ongoing(VmiState state, OngoingMigration m)
    {
        var facts = MigrationView.Of(state, m);
        var phase = PhaseOf(state, m, facts);
        return new MigrationNews(state.Uid, m.Id, phase, m.Reason, m.Message ?? (phase is Pending ? state.Moving.TargetPodError : null),
            m.TargetNode ?? (facts.Pod is TargetPodState.Running ? facts.PodNode : null), m.PodName, IsFinal(phase) ? StoryOf(state, m) : null);
    }

    /// <summary>As the VMI's own status tells it, which shows the latest migration only.</summary>
    private static VirtualMachineInstanceMigrationState? StoryOf(VmiState state, OngoingMigration m) =>
        MigrationStatus.Of(state, state.Vmi?.Status?.MigrationState) is { } story && story.MigrationUid == m.Id ? story : null;

    private static string PhaseOf(VmiState state, OngoingMigration m, MigrationFacts facts) => m.Step switch
    {
        MigrationStep.Accepted => facts.Pod is TargetPodState.Unknown ? Pending : Scheduling,
        MigrationStep.Assigned => facts.Target is TargetStage.None ? Scheduled : PreparingTarget,
        MigrationStep.Started or MigrationStep.Aborting => facts.Source is SourceStage.None ? TargetReady : Running,
        MigrationStep.HandedOver => facts.Target is TargetStage.Running && IsShown(state) ? Succeeded : facts.TargetLost || facts.Pod is TargetPodState.Over or TargetPodState.Gone || facts is { Target: TargetStage.Failed } && m.PostCopy ? Failed : Running,
        _ => Failed,
    };
}
