using System.Buffers.Binary;
using System.Text.Json;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>Frames over a byte stream: what both ends of the launcher's socket read and write.</summary>
/// <remarks>One reader and one writer at a time.</remarks>
public sealed class FrameStream(Stream stream)
{
    private static readonly WireCodec Codec = new([.. LauncherWire.Types, .. MigrationLauncherWire.Types, .. MigrationLauncherWire.PeerTypes]);
    private readonly byte[] _length = new byte[4];

    public async Task WriteAsync(long id, IWireMessage message, CancellationToken ct)
    {
        var frame = JsonSerializer.SerializeToUtf8Bytes(new LauncherFrame(id, Codec.ManifestOf(message), Codec.EncodeElement(message)), LauncherJson.Default.LauncherFrame);
        if (frame.Length > LauncherProtocol.MaxFrameBytes)
            throw new InvalidDataException($"a frame of {frame.Length} bytes is over the limit of {LauncherProtocol.MaxFrameBytes}");
        var bytes = new byte[4 + frame.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, frame.Length);
        frame.CopyTo(bytes, 4);
        await stream.WriteAsync(bytes, ct).ConfigureAwait(false);
        await stream.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="InvalidDataException">The other side does not speak this protocol.</exception>
    public async Task<(long Id, IWireMessage Message)?> ReadAsync(CancellationToken ct)
    {
        if (await stream.ReadAtLeastAsync(_length, 4, throwOnEndOfStream: false, ct).ConfigureAwait(false) < 4)
            return null;
        var length = BinaryPrimitives.ReadInt32BigEndian(_length);
        if (length is <= 0 or > LauncherProtocol.MaxFrameBytes)
            throw new InvalidDataException($"a frame of {length} bytes is announced");
        var bytes = new byte[length];
        if (await stream.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, ct).ConfigureAwait(false) < length)
            return null;
        try
        {
            var frame = JsonSerializer.Deserialize(bytes, LauncherJson.Default.LauncherFrame) ?? throw new InvalidDataException("an empty frame");
            return (frame.Id, (IWireMessage)Codec.Decode(frame.B, frame.M));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"not a frame of this protocol: {e.Message}", e);
        }
    }
}
