using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Migration;

/// <summary>
/// KubeVirt's back-off: a migration that an evacuation or a workload update made waits after the failures of those before it, 20 s after
/// the first and twice as long after each one more. What a user asks for never waits.
/// </summary>
public static class MigrationBackoff
{
    public const string Reason = "MigrationBackoff";
    private static readonly TimeSpan First = TimeSpan.FromSeconds(20);

    /// <summary>When the migration may begin; null: at any time.</summary>
    /// <param name="ofVmi">All migrations of its VMI.</param>
    public static DateTimeOffset? Until(VirtualMachineInstanceMigration migration, IEnumerable<VirtualMachineInstanceMigration> ofVmi)
    {
        if (!IsAutomatic(migration))
            return null;
        // Creation times have whole seconds only: of two in the same second, the one that is not over is the later one.
        var newestFirst = ofVmi.Where(IsAutomatic).OrderByDescending(m => m.Metadata.CreationTimestamp).ThenBy(m => MigrationPhases.IsFinal(m.Status?.Phase)).ToList();
        if (newestFirst is not [var newest, var previous, ..] || newest.Metadata.Uid != migration.Metadata.Uid)
            return null;
        // Those that somebody deleted did not fail by themselves.
        var failures = newestFirst.Skip(1).TakeWhile(m => m.Status?.Phase != MigrationPhases.Succeeded)
            .Count(m => m.Status?.Phase == MigrationPhases.Failed && m.Metadata.DeletionTimestamp is null);
        return failures > 0 && FailedAt(previous) is { } failedAt ? failedAt + (First * Math.Pow(2, failures - 1)) : null;
    }

    private static bool IsAutomatic(VirtualMachineInstanceMigration migration) =>
        migration.Metadata.Annotations is { } annotations && (annotations.ContainsKey(Annotations.EvacuationMigration) || annotations.ContainsKey(Annotations.WorkloadUpdateMigration));

    private static DateTimeOffset? FailedAt(VirtualMachineInstanceMigration migration) =>
        migration.Status?.PhaseTransitionTimestamps?.FirstOrDefault(t => t.Phase == MigrationPhases.Failed)?.PhaseTransitionTimestamp;
}
