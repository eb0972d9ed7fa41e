using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Migration;

public static class MigrationLauncherWire
{
    /// <summary>On a launcher's socket, beside those of <see cref="LauncherWire"/>.</summary>
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("migration.launcher.prepare-incoming.1", LauncherJson.Default.PrepareIncoming),
        WireType.Of("migration.launcher.adopt-incoming.1", LauncherJson.Default.AdoptIncoming),
        WireType.Of("migration.launcher.refuse-incoming.1", LauncherJson.Default.RefuseIncoming),
        WireType.Of("migration.launcher.migrate.1", LauncherJson.Default.MigrateDomain),
        WireType.Of("migration.launcher.abort.1", LauncherJson.Default.AbortMigrate),
    ];

    /// <summary>Between two launchers.</summary>
    public static IReadOnlyList<WireType> PeerTypes { get; } =
    [
        WireType.Of("migration.peer.guest-loaded.1", LauncherJson.Default.GuestLoaded),
        WireType.Of("migration.peer.run-guest.1", LauncherJson.Default.RunGuest),
    ];
}
