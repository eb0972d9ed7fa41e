using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>Migrations that nobody needs any more: of each VMI all but the latest that are over, and all whose VMI is gone.</summary>
public static class MigrationGarbage
{
    /// <summary>Finished migrations that stay for each VMI, as with KubeVirt.</summary>
    public const int Kept = 5;

    public static IEnumerable<PlannedCall> Of(MigrationWorld world)
    {
        var vmis = world.Vmis.Select(v => (v.Metadata.Namespace, v.Metadata.Name)).ToHashSet();
        foreach (var ofVmi in world.Migrations.Where(m => m.Metadata.DeletionTimestamp is null).GroupBy(m => (m.Metadata.Namespace, Name: m.Spec?.VmiName)))
        {
            var isOrphaned = !vmis.Contains(ofVmi.Key);
            var garbage = isOrphaned ? ofVmi : OldestFirst(ofVmi.Where(m => MigrationPhases.IsFinal(m.Status?.Phase))).SkipLast(Kept);
            foreach (var migration in garbage)
                yield return new PlannedCall.Remove(migration, isOrphaned);
        }
    }

    private static IEnumerable<VirtualMachineInstanceMigration> OldestFirst(IEnumerable<VirtualMachineInstanceMigration> migrations) =>
        migrations.OrderBy(m => m.Metadata.CreationTimestamp).ThenBy(m => m.Metadata.Name, StringComparer.Ordinal);
}
