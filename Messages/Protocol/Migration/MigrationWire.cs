using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Migration;

public static class MigrationWire
{
    /// <summary>Between conductor and node agents, and in the journal.</summary>
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("migration.migrate-vmi.1", WireJson.Default.MigrateVmi),
        WireType.Of("migration.addresses-led.1", WireJson.Default.AddressesLed),
        WireType.Of("migration.state-claim-made.1", WireJson.Default.StateClaimMade),
        WireType.Of("migration.state-claim-settled.1", WireJson.Default.StateClaimSettled),
        WireType.Of("migration.news.1", WireJson.Default.MigrationNews),
        WireType.Of("migration.prepare-target.1", WireJson.Default.PrepareTarget),
        WireType.Of("migration.start.1", WireJson.Default.StartMigration),
        WireType.Of("migration.abort.1", WireJson.Default.AbortMigration),
        WireType.Of("migration.adopt.1", WireJson.Default.AdoptDomain),
        WireType.Of("migration.refuse.1", WireJson.Default.RefuseMigration),
        WireType.Of("migration.event.accepted.1", WireJson.Default.MigrationAccepted),
        WireType.Of("migration.event.target-assigned.1", WireJson.Default.MigrationTargetAssigned),
        WireType.Of("migration.event.started.1", WireJson.Default.MigrationStarted),
        WireType.Of("migration.event.aborting.1", WireJson.Default.MigrationAborting),
        WireType.Of("migration.event.right-handed-over.1", WireJson.Default.RightHandedOver),
        WireType.Of("migration.event.failed.1", WireJson.Default.MigrationFailed),
        WireType.Of("migration.event.released.1", WireJson.Default.MigrationReleased),
    ];
}
