using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>`status.migrationState` of the VMI: the story of its latest migration.</summary>
internal static class MigrationStatus
{
    public static VirtualMachineInstanceMigrationState? Of(VmiState state, VirtualMachineInstanceMigrationState? current)
    {
        var migration = state.Moving.Ongoing ?? state.Moving.Past.LastOrDefault();
        if (migration is null)
            return current;
        // A story that is told is not told anew from less knowledge, as after a restart.
        var shown = current?.MigrationUid == migration.Id ? current : new VirtualMachineInstanceMigrationState { MigrationUid = migration.Id };
        var moved = migration.Step is MigrationStep.HandedOver;
        var ongoing = state.Moving.Ongoing is not null;
        var target = ongoing ? MigrationView.OfAttempt(moved ? state.Report : state.Moving.TargetReport, migration) : null;
        return shown with
        {
            SourceNode = shown.SourceNode ?? (moved ? state.Moving.Departed : state.Right)?.Node,
            SourcePod = shown.SourcePod ?? (moved ? state.Moving.DepartedPod : state.PodName),
            TargetNode = migration.TargetNode ?? shown.TargetNode,
            TargetPod = migration.PodName,
            TargetNodeAddress = target?.Endpoint?.Address ?? shown.TargetNodeAddress,
            TargetNodeDomainDetected = target?.Target is TargetStage.Loaded or TargetStage.Running ? true : shown.TargetNodeDomainDetected,
            TargetNodeDomainReadyTimestamp = target?.Target is TargetStage.Running ? shown.TargetNodeDomainReadyTimestamp ?? migration.EndedAt : shown.TargetNodeDomainReadyTimestamp,
            StartTimestamp = migration.StartedAt ?? shown.StartTimestamp,
            EndTimestamp = migration.EndedAt ?? shown.EndTimestamp,
            MigrationPolicyName = ongoing && state.Moving.Wish?.MigrationId == migration.Id ? state.Moving.Wish.Policy : shown.MigrationPolicyName,
            Mode = migration.StartedAt is null ? shown.Mode : "PreCopy",
            Completed = migration.IsSettled ? true : shown.Completed,
            Failed = migration.Step is MigrationStep.Failed ? true : shown.Failed,
            FailureReason = migration.Step is MigrationStep.Failed ? migration.Message : shown.FailureReason,
            AbortRequested = migration.Step is MigrationStep.Aborting ? true : shown.AbortRequested,
            AbortStatus = migration.Step switch
            {
                MigrationStep.Aborting => "Aborting",
                MigrationStep.Failed when shown.AbortRequested is true => "Succeeded",
                MigrationStep.HandedOver when shown.AbortRequested is true => "Failed",
                _ => shown.AbortStatus,
            },
        };
    }
}
