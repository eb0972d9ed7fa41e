using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>A VirtualMachineInstanceMigration as a wish, and as it should read.</summary>
internal static class MigrationObject
{
    public static MigrateVmi Wish(VirtualMachineInstanceMigration migration, string vmiUid, MigrationSettings settings) => new(
        vmiUid, migration.Metadata.Uid!, migration.Metadata.Name!, [.. (migration.Spec?.AddedNodeSelector ?? new Dictionary<string, string>()).Select(l => $"{l.Key}={l.Value}")],
        settings.Options, settings.Policy,
        Cancel: migration.Metadata.DeletionTimestamp is not null)
    {
        Ignored = settings.Ignored,
    };

    /// <summary>The next merge patch and the subresource it goes to, or null when the object says it all. Metadata and status are written apart, as the API wants it.</summary>
    public static (JsonObject Patch, string? Subresource)? Patch(VirtualMachineInstanceMigration migration, MigrationNews? news, DateTimeOffset now)
    {
        var phase = migration.Status?.Phase;
        var isFinal = MigrationPhases.IsFinal(phase);
        // The finalizer keeps a deleted migration until its end is known.
        if (Finalizers(migration, keep: !isFinal) is { } finalizers)
        {
            return (new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = migration.Metadata.Uid, ["resourceVersion"] = migration.Metadata.ResourceVersion, ["finalizers"] = finalizers },
            }, null);
        }

        if (isFinal || news?.Phase is not { } next || next == phase)
            return null;
        JsonArray transitions =
        [
            .. (migration.Status?.PhaseTransitionTimestamps ?? []).Select(t => (JsonNode)new JsonObject { ["phase"] = t.Phase, ["phaseTransitionTimestamp"] = Stamp(t.PhaseTransitionTimestamp ?? now) }),
            new JsonObject { ["phase"] = next, ["phaseTransitionTimestamp"] = Stamp(now) },
        ];
        var status = new JsonObject { ["phase"] = next, ["phaseTransitionTimestamps"] = transitions };
        if (TargetCompatibility.Of(news) is { } incompatible)
            status["conditions"] = new JsonArray([.. (migration.Status?.Conditions ?? []).Append(incompatible with { LastTransitionTime = now, LastProbeTime = now }).Select(c => JsonSerializer.SerializeToNode(c, ApiJson.Default.Condition))]);
        if (MigrationPhases.IsFinal(next))
        {
            status["migrationState"] = new JsonObject
            {
                ["migrationUid"] = migration.Metadata.Uid,
                ["targetNode"] = news.TargetNode,
                ["completed"] = true,
                ["failed"] = next == MigrationPhases.Failed,
                ["failureReason"] = news.Message,
            };
        }

        return (new JsonObject { ["metadata"] = new JsonObject { ["uid"] = migration.Metadata.Uid }, ["status"] = status }, "status");
    }

    private static string Stamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static JsonArray? Finalizers(VirtualMachineInstanceMigration migration, bool keep)
    {
        var current = migration.Metadata.Finalizers ?? [];
        var has = current.Contains(MigrationsActor.Finalizer);
        if (has == keep || (keep && migration.Metadata.DeletionTimestamp is not null))
            return null;
        var wanted = keep ? current.Append(MigrationsActor.Finalizer) : current.Where(f => f != MigrationsActor.Finalizer);
        return [.. wanted.Select(f => (JsonNode)f)];
    }
}
