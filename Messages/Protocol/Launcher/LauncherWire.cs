using System.Text.Json.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Launcher;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(LauncherFrame))]
[JsonSerializable(typeof(NodeCapabilities))]
[JsonSerializable(typeof(LauncherHello))]
[JsonSerializable(typeof(LaunchDomain))]
[JsonSerializable(typeof(ShutdownDomain))]
[JsonSerializable(typeof(DestroyDomain))]
[JsonSerializable(typeof(QuitLauncher))]
[JsonSerializable(typeof(OperateDomain))]
[JsonSerializable(typeof(SyncDomain))]
[JsonSerializable(typeof(LauncherReply))]
[JsonSerializable(typeof(DomainChanged))]
[JsonSerializable(typeof(IReadOnlyList<EmulatorProbe>))]
public sealed partial class LauncherJson : JsonSerializerContext;

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
