using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>An event for people, on the migration object.</summary>
/// <param name="Type">`Normal` or `Warning`.</param>
/// <param name="At">When it happened; null for now.</param>
internal sealed record MigrationAnnouncement(string Type, string Reason, string Message, DateTimeOffset? At = null);

/// <param name="Patch">A merge patch.</param>
/// <param name="Subresource">Where it goes; metadata and status are written apart, as the API wants it.</param>
/// <param name="Announcements">What is to be told once it is written.</param>
/// <param name="IsUrgent">Somebody may wait for it; the steps on the way to the end can be written together.</param>
internal sealed record MigrationChange(JsonObject Patch, string? Subresource, IReadOnlyList<MigrationAnnouncement> Announcements, bool IsUrgent = true);

/// <summary>When a migration came to a phase, whether that was written then or not.</summary>
internal sealed record PassedPhase(string Phase, DateTimeOffset At);

/// <summary>A VirtualMachineInstanceMigration as a wish, and as it should read.</summary>
internal static class MigrationObject
{
    private static readonly string[] Order =
    [
        "", MigrationPhases.Pending, MigrationPhases.Scheduling, MigrationPhases.Scheduled, MigrationPhases.PreparingTarget, MigrationPhases.TargetReady, MigrationPhases.Running, MigrationPhases.Succeeded,
    ];

    public static MigrateVmi Wish(VirtualMachineInstanceMigration migration, string vmiUid, MigrationSettings settings) => new(
        vmiUid, migration.Metadata.Uid!, migration.Metadata.Name!, [.. (migration.Spec?.AddedNodeSelector ?? new Dictionary<string, string>()).Select(l => $"{l.Key}={l.Value}")],
        settings.Options, settings.Policy,
        Cancel: migration.Metadata.DeletionTimestamp is not null)
    {
        Ignored = settings.Ignored,
    };

    /// <summary>The next change, or null when the object says it all.</summary>
    /// <param name="passed">Phases so far; they are all shown, with their times.</param>
    public static MigrationChange? Change(VirtualMachineInstanceMigration migration, MigrationNews? news, IReadOnlyList<PassedPhase> passed, DateTimeOffset now)
    {
        var phase = migration.Status?.Phase ?? "";
        var isFinal = MigrationPhases.IsFinal(phase);
        // The finalizer keeps a deleted migration until its end is known.
        if (Finalizers(migration, keep: !isFinal) is { } finalizers)
        {
            return new(new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = migration.Metadata.Uid, ["resourceVersion"] = migration.Metadata.ResourceVersion, ["finalizers"] = finalizers },
            }, null, []);
        }

        if (isFinal)
            return null;
        var next = news?.Phase ?? phase;
        var conditions = MigrationConditions.Of(migration, news, now);
        var status = new JsonObject();
        if (!conditions.Select(c => c.Type).SequenceEqual((migration.Status?.Conditions ?? []).Select(c => c.Type)))
            status["conditions"] = new JsonArray([.. conditions.Select(c => JsonSerializer.SerializeToNode(c, ApiJson.Default.Condition))]);
        if (next != phase)
        {
            status["phase"] = next;
            status["phaseTransitionTimestamps"] = Transitions(migration, [.. passed, new PassedPhase(next, now)]);
            if (MigrationPhases.IsFinal(next))
                status["migrationState"] = Story(migration, news!);
        }

        var isUrgent = status.ContainsKey("conditions") || (next != phase && MigrationPhases.IsFinal(next));
        return status.Count == 0 ? null
            : new(new JsonObject { ["metadata"] = new JsonObject { ["uid"] = migration.Metadata.Uid }, ["status"] = status }, "status", Announcements(phase, next, news, passed), isUrgent);
    }

    private static JsonArray Transitions(VirtualMachineInstanceMigration migration, IEnumerable<PassedPhase> passed)
    {
        var written = (migration.Status?.PhaseTransitionTimestamps ?? []).Select(t => new PassedPhase(t.Phase ?? "", t.PhaseTransitionTimestamp ?? passed.First().At));
        return [.. written.Concat(passed).DistinctBy(t => t.Phase).Select(t => (JsonNode)new JsonObject { ["phase"] = t.Phase, ["phaseTransitionTimestamp"] = Stamp(t.At) })];
    }

    /// <summary>As the VMI tells it; of a migration that the VMI never took up, how it ended.</summary>
    private static JsonNode? Story(VirtualMachineInstanceMigration migration, MigrationNews news) => JsonSerializer.SerializeToNode(
        news.Story ?? new VirtualMachineInstanceMigrationState
        {
            MigrationUid = migration.Metadata.Uid,
            TargetNode = news.TargetNode,
            TargetPod = news.TargetPod,
            Completed = true,
            Failed = news.Phase == MigrationPhases.Failed,
            FailureReason = news.Message,
        }, ApiJson.Default.VirtualMachineInstanceMigrationState);

    /// <summary>Phases may be passed in one step when they come quickly; what lies between is told all the same.</summary>
    private static IReadOnlyList<MigrationAnnouncement> Announcements(string before, string next, MigrationNews? news, IReadOnlyList<PassedPhase> passed)
    {
        if (next == MigrationPhases.Failed && before != next)
            return [new("Warning", "FailedMigration", news?.Message ?? "source node reported migration failed")];
        var (from, to) = (Array.IndexOf(Order, before), Array.IndexOf(Order, next));
        return
        [
            .. Order.Where((_, at) => at > from && at <= to).Select(phase => phase switch
            {
                MigrationPhases.Scheduling => new MigrationAnnouncement("Normal", "SuccessfulCreate", $"Created migration target pod {news?.TargetPod}"),
                MigrationPhases.PreparingTarget => new("Normal", "SuccessfulHandOver", "Migration target pod is ready for preparation by virt-handler."),
                MigrationPhases.Succeeded => new("Normal", "SuccessfulMigration", "Source node reported migration succeeded"),
                _ => null,
            } is { } told ? told with { At = passed.FirstOrDefault(p => p.Phase == phase)?.At } : null).OfType<MigrationAnnouncement>(),
        ];
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
