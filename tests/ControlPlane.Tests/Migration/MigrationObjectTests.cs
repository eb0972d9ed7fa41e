using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>What is written into a migration object, and told about it.</summary>
public sealed class MigrationObjectTests
{
    private const string Quota = "pods \"virt-launcher-vm-abcde\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1";

    [Fact]
    public void Phases_on_the_way_to_the_guests_moving_can_wait_and_are_written_together_with_their_times()
    {
        var migration = Move("m", "vm", MigrationPhases.Pending);
        var change = Change(migration, News(MigrationPhases.Scheduling))!;
        Assert.Equal(("status", "Scheduling", false), (change.Subresource, (string?)change.Patch["status"]!["phase"], change.IsUrgent));
        Assert.Null(Change(migration, News(MigrationPhases.Pending)));

        var running = MigrationObject.Change(migration, News(MigrationPhases.Running),
            [new(MigrationPhases.Pending, Now), new(MigrationPhases.Scheduling, Now.AddSeconds(1)), new(MigrationPhases.TargetReady, Now.AddSeconds(3)), new(MigrationPhases.Running, Now.AddSeconds(4))], Now.AddSeconds(5))!;
        Assert.False(running.IsUrgent);
        Assert.Equal([("SuccessfulCreate", Now.AddSeconds(1)), ("SuccessfulHandOver", null)], running.Announcements.Select(a => (a.Reason, a.At)));
        Assert.Equal(["Pending 10:00:00", "Scheduling 10:00:01", "TargetReady 10:00:03", "Running 10:00:04"], Times(running));
    }

    [Fact]
    public void What_was_written_before_keeps_its_times()
    {
        var migration = Move("m", "vm", MigrationPhases.Running);
        migration = migration with
        {
            Status = migration.Status! with { PhaseTransitionTimestamps = [new VirtualMachineInstanceMigrationPhaseTransitionTimestamp { Phase = MigrationPhases.Running, PhaseTransitionTimestamp = Now }] },
        };
        var change = MigrationObject.Change(migration, News(MigrationPhases.Succeeded), [new(MigrationPhases.Running, Now.AddSeconds(1)), new(MigrationPhases.Succeeded, Now.AddSeconds(2))], Now.AddSeconds(3))!;
        Assert.Equal(["Running 10:00:00", "Succeeded 10:00:02"], Times(change));
        Assert.Equal(["SuccessfulMigration"], change.Announcements.Select(a => a.Reason));
    }

    [Fact]
    public void A_failure_is_told_with_its_message_and_nothing_else()
    {
        var change = Change(Move("m", "vm", MigrationPhases.Scheduled), News(MigrationPhases.Failed, "Migration failed because target pod shutdown during migration"))!;
        Assert.Equal([new("Warning", "FailedMigration", "Migration failed because target pod shutdown during migration")], change.Announcements);
        Assert.Equal((true, true), ((bool?)change.Patch["status"]!["migrationState"]!["failed"], (bool?)change.Patch["status"]!["migrationState"]!["completed"]));
    }

    [Fact]
    public void At_the_end_it_has_the_story_that_the_VMI_tells()
    {
        var story = new VirtualMachineInstanceMigrationState { MigrationUid = "uid-m", SourceNode = "node-1", TargetNode = "node-2", StartTimestamp = Now, EndTimestamp = Now.AddSeconds(3), Completed = true, Mode = "PreCopy" };
        var written = Change(Move("m", "vm", MigrationPhases.Running), News(MigrationPhases.Succeeded) with { Story = story })!.Patch["status"]!["migrationState"]!;
        Assert.Equal(("node-1", "PreCopy", "2026-11-25T10:00:03Z"), ((string?)written["sourceNode"], (string?)written["mode"], (string?)written["endTimestamp"]));
    }

    [Fact]
    public void One_that_is_deleted_says_so_until_it_is_over_and_then_lets_go()
    {
        var migration = Move("m", "vm", MigrationPhases.Running);
        migration = migration with { Metadata = migration.Metadata with { DeletionTimestamp = Now } };
        var conditions = Change(migration, News(MigrationPhases.Running))!.Patch["status"]!["conditions"]!;
        Assert.Equal(("migrationAbortRequested", "True"), ((string?)conditions[0]!["type"], (string?)conditions[0]!["status"]));

        migration = migration with { Status = migration.Status! with { Conditions = [new Condition { Type = "migrationAbortRequested", Status = "True" }] } };
        Assert.Null(Change(migration, News(MigrationPhases.Running)));
        Assert.Null(Change(migration, News(MigrationPhases.Failed))!.Patch["status"]!["conditions"]);

        var over = migration with { Status = migration.Status with { Phase = MigrationPhases.Failed } };
        Assert.Empty(Change(over, null)!.Patch["metadata"]!["finalizers"]!.AsArray());
    }

    [Fact]
    public void A_quota_without_room_for_the_target_pod_is_shown_as_long_as_it_lasts()
    {
        var migration = Move("m", "vm", MigrationPhases.Pending);
        var conditions = Change(migration, News(MigrationPhases.Pending, Quota))!.Patch["status"]!["conditions"]!;
        Assert.Equal("migrationRejectedByResourceQuota", (string?)conditions[0]!["type"]);
        Assert.Null(Change(migration, News(MigrationPhases.Pending, "the API server is busy")));

        migration = migration with { Status = migration.Status! with { Conditions = [new Condition { Type = "migrationRejectedByResourceQuota", Status = "True" }] } };
        Assert.Null(Change(migration, News(MigrationPhases.Pending)));
        Assert.Empty(Change(migration, News(MigrationPhases.Scheduling))!.Patch["status"]!["conditions"]!.AsArray());
    }

    private static MigrationChange? Change(VirtualMachineInstanceMigration migration, MigrationNews? news) => MigrationObject.Change(migration, news, [], Now);

    private static IEnumerable<string> Times(MigrationChange change) =>
        change.Patch["status"]!["phaseTransitionTimestamps"]!.AsArray().Select(t => $"{t!["phase"]} {((string)t["phaseTransitionTimestamp"]!)[11..19]}");

    private static MigrationNews News(string phase, string? message = null) => new("uid-vm", "uid-m", phase, null, message, "node-2", "target");
}
