using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>The conditions of a VirtualMachineInstanceMigration, which KubeVirt sets without reason or message; ours of the target has both.</summary>
internal static class MigrationConditions
{
    /// <summary>It was deleted before it was over; it stays for good.</summary>
    public const string AbortRequested = "migrationAbortRequested";

    /// <summary>The namespace's quota has no room for the target pod; it waits for that.</summary>
    public const string RejectedByResourceQuota = "migrationRejectedByResourceQuota";

    public static bool IsRejectedByQuota(MigrationNews? news) =>
        news is { Phase: MigrationPhases.Pending, Message: { } message } && message.Contains("exceeded quota", StringComparison.Ordinal);

    public static IReadOnlyList<Condition> Of(VirtualMachineInstanceMigration migration, MigrationNews? news, DateTimeOffset now)
    {
        var conditions = (migration.Status?.Conditions ?? []).ToList();
        if (migration.Metadata.DeletionTimestamp is not null && !MigrationPhases.IsFinal(migration.Status?.Phase))
            Set(AbortRequested);
        if (IsRejectedByQuota(news))
            Set(RejectedByResourceQuota);
        else if (MigrationPhases.HasBegun(news?.Phase))
            conditions.RemoveAll(c => c.Type == RejectedByResourceQuota);
        if (TargetCompatibility.Of(news) is { } incompatible && conditions.All(c => c.Type != incompatible.Type))
            conditions.Add(incompatible with { LastTransitionTime = now, LastProbeTime = now });
        return conditions;

        void Set(string type)
        {
            if (conditions.All(c => c.Type != type))
                conditions.Add(new Condition { Type = type, Status = "True", LastProbeTime = now });
        }
    }
}
