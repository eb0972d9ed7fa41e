using Troupe.ControlPlane.Vmi;
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

    public static MigrationNews News(VmiState state, string migrationId)
    {
        if (state.Moving.Ongoing is { } m && m.Id == migrationId)
            return new MigrationNews(state.Uid, m.Id, PhaseOf(state, m), m.Reason, m.Message, m.TargetNode);
        if (state.Moving.Past.FirstOrDefault(p => p.Id == migrationId) is { } past)
            return new MigrationNews(state.Uid, past.Id, past.Step is not MigrationStep.HandedOver ? Failed : IsShown(state) ? Succeeded : Running, past.Reason, past.Message, past.TargetNode);
        return state switch
        {
            { Vmi: null } => new MigrationNews(state.Uid, migrationId, null, null, null, null),
            { Moving.Wish: { Cancel: true } wish } when wish.MigrationId == migrationId => Never("Cancelled", "Migration failed due to being canceled"),
            { IsFinal: true } or { IsDeleting: true } => Never("VmiDeleted", "Migration failed vmi shutdown during migration."),
            { Moving.Ongoing: not null } => Never("InProgress", "VMI is not eligible for migration because another migration job is in progress."),
            _ => new MigrationNews(state.Uid, migrationId, Pending, null, null, null),
        };

        MigrationNews Never(string reason, string message) => new(state.Uid, migrationId, Failed, reason, message, null);
    }

    /// <summary>Whoever waits for the migration and then reads where the guest is must find it there.</summary>
    private static bool IsShown(VmiState state) => state.Right is null || state.Vmi?.Status?.NodeName == state.Right.Node;

    private static string PhaseOf(VmiState state, OngoingMigration m)
    {
        var facts = MigrationView.Of(state, m);
        return m.Step switch
        {
            MigrationStep.Accepted => facts.Pod is TargetPodState.Unknown ? Pending : Scheduling,
            MigrationStep.Assigned => facts.Target is TargetStage.None ? Scheduled : PreparingTarget,
            MigrationStep.Started or MigrationStep.Aborting => facts.Source is SourceStage.None ? TargetReady : Running,
            MigrationStep.HandedOver => facts.Target is TargetStage.Running && IsShown(state) ? Succeeded : facts.TargetLost || facts.Pod is TargetPodState.Over or TargetPodState.Gone ? Failed : Running,
            _ => Failed,
        };
    }
}
