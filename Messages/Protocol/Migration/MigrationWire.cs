using System.Text.Json.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Migration;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(MigrateVmi))]
[JsonSerializable(typeof(MigrationNews))]
[JsonSerializable(typeof(AddressesLed))]
[JsonSerializable(typeof(PrepareTarget))]
[JsonSerializable(typeof(StartMigration))]
[JsonSerializable(typeof(AbortMigration))]
[JsonSerializable(typeof(AdoptDomain))]
[JsonSerializable(typeof(RefuseMigration))]
[JsonSerializable(typeof(RefuseIncoming))]
[JsonSerializable(typeof(MigrationAccepted))]
[JsonSerializable(typeof(MigrationTargetAssigned))]
[JsonSerializable(typeof(MigrationStarted))]
[JsonSerializable(typeof(MigrationAborting))]
[JsonSerializable(typeof(RightHandedOver))]
[JsonSerializable(typeof(MigrationFailed))]
[JsonSerializable(typeof(MigrationReleased))]
[JsonSerializable(typeof(PrepareIncoming))]
[JsonSerializable(typeof(AdoptIncoming))]
[JsonSerializable(typeof(MigrateDomain))]
[JsonSerializable(typeof(AbortMigrate))]
[JsonSerializable(typeof(GuestLoaded))]
[JsonSerializable(typeof(RunGuest))]
[JsonSerializable(typeof(LastWord))]
public sealed partial class MigrationJson : JsonSerializerContext;

public static class MigrationWire
{
    /// <summary>Between conductor and node agents, and in the journal.</summary>
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("migration.migrate-vmi.1", MigrationJson.Default.MigrateVmi),
        WireType.Of("migration.addresses-led.1", MigrationJson.Default.AddressesLed),
        WireType.Of("migration.news.1", MigrationJson.Default.MigrationNews),
        WireType.Of("migration.prepare-target.1", MigrationJson.Default.PrepareTarget),
        WireType.Of("migration.start.1", MigrationJson.Default.StartMigration),
        WireType.Of("migration.abort.1", MigrationJson.Default.AbortMigration),
        WireType.Of("migration.adopt.1", MigrationJson.Default.AdoptDomain),
        WireType.Of("migration.refuse.1", MigrationJson.Default.RefuseMigration),
        WireType.Of("migration.event.accepted.1", MigrationJson.Default.MigrationAccepted),
        WireType.Of("migration.event.target-assigned.1", MigrationJson.Default.MigrationTargetAssigned),
        WireType.Of("migration.event.started.1", MigrationJson.Default.MigrationStarted),
        WireType.Of("migration.event.aborting.1", MigrationJson.Default.MigrationAborting),
        WireType.Of("migration.event.right-handed-over.1", MigrationJson.Default.RightHandedOver),
        WireType.Of("migration.event.failed.1", MigrationJson.Default.MigrationFailed),
        WireType.Of("migration.event.released.1", MigrationJson.Default.MigrationReleased),
    ];

    /// <summary>On a launcher's socket, beside those of <see cref="Launcher.LauncherWire"/>.</summary>
    public static IReadOnlyList<WireType> LauncherTypes { get; } =
    [
        WireType.Of("migration.launcher.prepare-incoming.1", MigrationJson.Default.PrepareIncoming),
        WireType.Of("migration.launcher.adopt-incoming.1", MigrationJson.Default.AdoptIncoming),
        WireType.Of("migration.launcher.refuse-incoming.1", MigrationJson.Default.RefuseIncoming),
        WireType.Of("migration.launcher.migrate.1", MigrationJson.Default.MigrateDomain),
        WireType.Of("migration.launcher.abort.1", MigrationJson.Default.AbortMigrate),
    ];

    /// <summary>Between two launchers.</summary>
    public static IReadOnlyList<WireType> PeerTypes { get; } =
    [
        WireType.Of("migration.peer.guest-loaded.1", MigrationJson.Default.GuestLoaded),
        WireType.Of("migration.peer.run-guest.1", MigrationJson.Default.RunGuest),
    ];
}
