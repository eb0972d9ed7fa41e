using System.Text.Json.Serialization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>How the messages of launchers look in JSON, and all else that they read or write so. The launcher links this context alone: each has the whole of what its types hold, which of a VirtualMachineInstance is megabytes.</summary>
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
[JsonSerializable(typeof(PrepareIncoming))]
[JsonSerializable(typeof(AdoptIncoming))]
[JsonSerializable(typeof(RefuseIncoming))]
[JsonSerializable(typeof(MigrateDomain))]
[JsonSerializable(typeof(AbortMigrate))]
[JsonSerializable(typeof(GuestLoaded))]
[JsonSerializable(typeof(RunGuest))]
[JsonSerializable(typeof(LastWord))]
[JsonSerializable(typeof(VirtualMachineInstance))]
public sealed partial class LauncherJson : JsonSerializerContext;
