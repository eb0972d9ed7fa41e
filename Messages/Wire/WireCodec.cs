using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Machines;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Streams;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.Messages.Wire;

/// <summary>Turns every wire message into bytes (UTF-8 JSON) and back, by the explicit tables of the protocol families.</summary>
public sealed class WireCodec
{
    private readonly Dictionary<Type, WireType> _byType;
    private readonly Dictionary<string, WireType> _byManifest;

    public WireCodec(IEnumerable<WireType> types)
    {
        var all = types.ToList();
        _byType = all.ToDictionary(t => t.Type);
        _byManifest = all.ToDictionary(t => t.Manifest, StringComparer.Ordinal);
    }

    public static WireCodec Default { get; } = new([.. LauncherWire.Types, .. NodeWire.Types, .. VmiWire.Types, .. MachineWire.Types, .. StreamWire.Types, .. MigrationWire.Types, .. MigrationLauncherWire.Types, .. MigrationLauncherWire.PeerTypes]);

    public IReadOnlyCollection<WireType> Types => _byType.Values;

    /// <exception cref="NotSupportedException">The type is in no table.</exception>
    public string ManifestOf(object message) => Of(message).Manifest;

    public byte[] Encode(object message) => JsonSerializer.SerializeToUtf8Bytes(message, Of(message).Json);

    public JsonElement EncodeElement(object message) => JsonSerializer.SerializeToElement(message, Of(message).Json);

    /// <exception cref="NotSupportedException">The manifest is unknown: the sender is newer than this process.</exception>
    /// <exception cref="JsonException">The bytes are not what the manifest promises.</exception>
    public object Decode(ReadOnlySpan<byte> bytes, string manifest) =>
        JsonSerializer.Deserialize(bytes, Of(manifest).Json) ?? throw new JsonException($"{manifest}: null is not a message");

    public object Decode(JsonElement body, string manifest) =>
        body.Deserialize(Of(manifest).Json) ?? throw new JsonException($"{manifest}: null is not a message");

    private WireType Of(object message) => _byType.TryGetValue(message.GetType(), out var type)
        ? type
        : throw new NotSupportedException($"{message.GetType()} is in no wire table");

    private WireType Of(string manifest) => _byManifest.TryGetValue(manifest, out var type)
        ? type
        : throw new NotSupportedException($"unknown wire manifest '{manifest}'");
}
