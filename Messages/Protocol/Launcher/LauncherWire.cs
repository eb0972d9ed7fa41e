using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Launcher;

public static class LauncherWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("launcher.hello.1", LauncherJson.Default.LauncherHello),
        WireType.Of("launcher.launch-domain.1", LauncherJson.Default.LaunchDomain),
        WireType.Of("launcher.shutdown-domain.1", LauncherJson.Default.ShutdownDomain),
        WireType.Of("launcher.destroy-domain.1", LauncherJson.Default.DestroyDomain),
        WireType.Of("launcher.quit.1", LauncherJson.Default.QuitLauncher),
        WireType.Of("launcher.operate-domain.1", LauncherJson.Default.OperateDomain),
        WireType.Of("launcher.sync-domain.1", LauncherJson.Default.SyncDomain),
        WireType.Of("launcher.reply.1", LauncherJson.Default.LauncherReply),
        WireType.Of("launcher.domain-changed.1", LauncherJson.Default.DomainChanged),
    ];
}
