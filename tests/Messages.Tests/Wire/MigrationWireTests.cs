using System.Text;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Wire;
using Xunit;

namespace Troupe.Messages.Tests.Wire;

public sealed class MigrationWireTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    // As in WireTests: a journal written by an earlier Troupe must stay readable.
    public static TheoryData<string, string, IMigrationEvent> Journaled => new()
    {
        { "migration.event.accepted.1", """{"migrationId":"m","name":"n","podName":"virt-launcher-demo-abcde","targetEpoch":2,"keptAddresses":"10.1.1.2","at":"2026-11-22T10:00:00+00:00"}""", new MigrationAccepted("m", "n", "virt-launcher-demo-abcde", 2, "10.1.1.2", At) },
        { "migration.event.target-assigned.1", """{"migrationId":"m","node":"node-2","podUid":"p","at":"2026-11-22T10:00:00+00:00"}""", new MigrationTargetAssigned("m", "node-2", "p", At) },
        { "migration.event.started.1", """{"migrationId":"m","at":"2026-11-22T10:00:00+00:00"}""", new MigrationStarted("m", At) },
        { "migration.event.aborting.1", """{"migrationId":"m","reason":"r","message":"w","at":"2026-11-22T10:00:00+00:00"}""", new MigrationAborting("m", "r", "w", At) },
        { "migration.event.right-handed-over.1", """{"migrationId":"m","epoch":2,"node":"node-2","podName":"n","podUid":"p","at":"2026-11-22T10:00:00+00:00"}""", new RightHandedOver("m", 2, "node-2", "n", "p", At) },
        { "migration.event.failed.1", """{"migrationId":"m","reason":"r","message":"w","at":"2026-11-22T10:00:00+00:00"}""", new MigrationFailed("m", "r", "w", At) },
        { "migration.event.released.1", """{"migrationId":"m","at":"2026-11-22T10:00:00+00:00"}""", new MigrationReleased("m", At) },
    };

    [Theory]
    [MemberData(nameof(Journaled))]
    public void The_bytes_of_a_journaled_step_never_change(string manifest, string json, IMigrationEvent e)
    {
        Assert.Equal(manifest, WireCodec.Default.ManifestOf(e));
        Assert.Equal(json, Encoding.UTF8.GetString(WireCodec.Default.Encode(e)));
        Assert.Equal(e, WireCodec.Default.Decode(Encoding.UTF8.GetBytes(json), manifest));
    }

    [Fact]
    public void A_handover_in_post_copy_and_a_guest_that_was_lost_on_its_way_are_journaled_as_such()
    {
        Same("""{"migrationId":"m","epoch":2,"node":"node-2","podName":"n","podUid":"p","at":"2026-11-22T10:00:00+00:00","postCopy":true}""", "migration.event.right-handed-over.1", new RightHandedOver("m", 2, "node-2", "n", "p", At) { PostCopy = true });
        Same("""{"migrationId":"m","at":"2026-11-22T10:00:00+00:00","lost":"why"}""", "migration.event.released.1", new MigrationReleased("m", At) { Lost = "why" });

        static void Same(string json, string manifest, IMigrationEvent e)
        {
            Assert.Equal(json, Encoding.UTF8.GetString(WireCodec.Default.Encode(e)));
            Assert.Equal(e, WireCodec.Default.Decode(Encoding.UTF8.GetBytes(json), manifest));
        }
    }

    [Fact]
    public void The_claims_of_a_guests_state_are_journaled_with_its_migration() =>
        Assert.Equal("""{"migrationId":"m","name":"n","podName":"p","targetEpoch":2,"keptAddresses":"","at":"2026-11-22T10:00:00+00:00","state":{"source":"s","target":"t"}}""",
            Encoding.UTF8.GetString(WireCodec.Default.Encode(new MigrationAccepted("m", "n", "p", 2, "", At) { State = new StateClaims("s", "t") })));

    [Fact]
    public void An_order_from_before_post_copy_was_known_does_not_allow_it()
    {
        const string Json = """{"node":"n","vmiUid":"u","epoch":1,"migrationId":"m","targetEpoch":2,"target":{"address":"a","port":1,"certificate":"c"},"options":{"bandwidthBytesPerSecond":0,"maxDowntimeMs":0,"autoConverge":false,"parallelChannels":8,"allowUnsafe":false,"copyDisks":true}}""";
        Assert.False(Assert.IsType<StartMigration>(WireCodec.Default.Decode(Encoding.UTF8.GetBytes(Json), "migration.start.1")).Options.AllowPostCopy);
    }

    [Theory]
    [InlineData(SourceStage.Switching)]
    [InlineData(SourceStage.Switched)]
    public void The_stages_of_post_copy_go_over_the_wire_by_name(SourceStage stage)
    {
        var observation = new MigrationObservation("m", 2, stage, TargetStage.Arriving) { Forecast = new MigrationForecast(MigrationStrategy.PostCopy, "w"), PostCopyProblem = "p" };
        var changed = new DomainChanged(new DomainObservation { Migration = observation });
        var json = WireCodec.Default.Encode(changed);
        Assert.Contains($"\"source\":\"{stage}\",\"target\":\"Arriving\"", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.Equal(observation, Assert.IsType<DomainChanged>(WireCodec.Default.Decode(json, WireCodec.Default.ManifestOf(changed))).Domain.Migration);
    }

    [Fact]
    public void Where_volumes_go_is_journaled_with_the_migration()
    {
        const string Json = """{"migrationId":"m","name":"n","podName":"p","targetEpoch":2,"keptAddresses":"10.1.1.2","at":"2026-11-22T10:00:00+00:00","claims":{"root":"new"}}""";
        var e = Assert.IsType<MigrationAccepted>(WireCodec.Default.Decode(Encoding.UTF8.GetBytes(Json), "migration.event.accepted.1"));
        Assert.Equal("new", e.Claims?["root"]);
        Assert.Equal(Json, Encoding.UTF8.GetString(WireCodec.Default.Encode(e)));
    }
}
