using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>Who stands in line for a slot, and who may not yet.</summary>
internal sealed record MigrationQueue(IReadOnlyList<QueuedMigration> Line, IReadOnlyList<VirtualMachineInstanceMigration> BackingOff)
{
    /// <param name="stages">What was granted before, by UID.</param>
    /// <param name="source">Where the guest is and how much of the network it may use; null while its VMI is not known.</param>
    /// <param name="news">The latest of each.</param>
    public static MigrationQueue Of(
        IReadOnlyCollection<VirtualMachineInstanceMigration> migrations, IReadOnlyDictionary<string, SlotStage> stages,
        Func<string, (string? Node, long Bandwidth)?> source, Func<string, MigrationNews?> news, DateTimeOffset now)
    {
        var ofVmi = migrations.ToLookup(m => (m.Metadata.Namespace, m.Spec?.VmiName));
        var (line, backingOff) = (new List<QueuedMigration>(), new List<VirtualMachineInstanceMigration>());
        foreach (var m in migrations.Where(m => !MigrationPhases.IsFinal(m.Status?.Phase)))
        {
            var (uid, from) = (m.Metadata.Uid!, source(m.Metadata.Uid!));
            var stage = StageOf(m, stages.GetValueOrDefault(uid));
            if (stage is SlotStage.Waiting && (from is null || m.Metadata.DeletionTimestamp is not null))
                continue;
            // A namespace without room for pods must not keep the others from moving.
            if (MigrationConditions.IsRejectedByQuota(news(uid)))
                continue;
            if (stage is SlotStage.Waiting && now < MigrationBackoff.Until(m, ofVmi[(m.Metadata.Namespace, m.Spec?.VmiName)]))
                backingOff.Add(m);
            else
                line.Add(new(uid, m.Metadata.Namespace ?? "", m.Spec?.Priority, m.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue, from?.Node, news(uid)?.TargetNode, from?.Bandwidth ?? 0, stage));
        }

        return new MigrationQueue(line, backingOff);
    }

    /// <summary>What was granted by another instance of the queue shows in the phase.</summary>
    private static SlotStage StageOf(VirtualMachineInstanceMigration migration, SlotStage granted) => migration.Status?.Phase switch
    {
        null or "" or MigrationPhases.Pending => granted,
        MigrationPhases.Scheduling => granted is SlotStage.Inbound ? granted : SlotStage.Outbound,
        _ => SlotStage.Inbound,
    };
}
