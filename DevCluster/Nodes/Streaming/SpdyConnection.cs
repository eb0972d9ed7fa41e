using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>
/// The server's side of SPDY/3.1 as Kubernetes uses it: the client opens streams, both sides send data on them. Flow control windows
/// are not kept, as the only client (spdystream) does not keep them either.
/// </summary>
internal sealed class SpdyConnection(Stream transport) : IAsyncDisposable
{
    private const int SynStream = 1, SynReply = 2, RstStream = 3, Ping = 6, GoAway = 7;
    private const byte Fin = 1;
    private const int MaxFrame = 1 << 20;

    private readonly SemaphoreSlim _writing = new(1);
    private readonly SpdyHeaders _headers = new();
    private readonly ConcurrentDictionary<uint, SpdyStream> _streams = new();
    private readonly Channel<SpdyStream> _opened = Channel.CreateUnbounded<SpdyStream>();

    /// <summary>Streams in the order in which the client opened them; ends with the connection.</summary>
    public ChannelReader<SpdyStream> Opened => _opened.Reader;

    /// <summary>Reads frames until the peer ends the connection.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        Exception? end = null;
        try
        {
            var header = new byte[8];
            while (await transport.ReadAtLeastAsync(header, 8, throwOnEndOfStream: false, ct) == 8)
            {
                var length = (header[5] << 16) | (header[6] << 8) | header[7];
                if (length > MaxFrame) throw new InvalidDataException($"SPDY frame of {length} bytes");
                var payload = new byte[length];
                await transport.ReadExactlyAsync(payload, ct);
                if ((header[0] & 0x80) != 0)
                {
                    if (!await ControlAsync(BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)), header[4], payload, ct)) break;
                }
                else if (_streams.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(header), out var stream))
                {
                    await stream.ReceiveAsync(payload, ct);
                    if ((header[4] & Fin) != 0) stream.EndOfInput();
                }
            }
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or OperationCanceledException)
        {
            end = failure;
        }
        _opened.Writer.TryComplete();
        foreach (var stream in _streams.Values) stream.EndOfInput(end);
    }

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync();
        _writing.Dispose();
    }

    internal Task SendAsync(uint stream, ReadOnlyMemory<byte> data, bool fin, CancellationToken ct)
    {
        var frame = new byte[8 + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, stream);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), data.Length);
        frame[4] = fin ? Fin : (byte)0;
        data.Span.CopyTo(frame.AsSpan(8));
        return WriteAsync(frame, ct);
    }

    internal Task ResetAsync(uint stream, CancellationToken ct)
    {
        var payload = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(payload, stream);
        payload[7] = 5; // CANCEL
        return ControlFrameAsync(RstStream, payload, ct);
    }

    private async Task<bool> ControlAsync(int type, byte flags, byte[] payload, CancellationToken ct)
    {
        switch (type)
        {
            case SynStream when payload.Length >= 10:
                var id = BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7fffffff;
                var stream = _streams[id] = new SpdyStream(this, id, _headers.Read(payload.AsSpan(10)));
                if ((flags & Fin) != 0) stream.EndOfInput();
                await ReplyAsync(id, ct);
                _opened.Writer.TryWrite(stream);
                break;
            case RstStream when payload.Length >= 4 && _streams.TryRemove(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7fffffff, out var reset):
                reset.EndOfInput(new IOException("the stream was reset"));
                break;
            case Ping:
                await ControlFrameAsync(Ping, payload, ct);
                break;
            case GoAway:
                return false;
        }
        return true;
    }

    private async Task ReplyAsync(uint id, CancellationToken ct)
    {
        var headers = _headers.WriteEmpty();
        var payload = new byte[4 + headers.Length];
        BinaryPrimitives.WriteUInt32BigEndian(payload, id);
        headers.CopyTo(payload, 4);
        await ControlFrameAsync(SynReply, payload, ct);
    }

    private Task ControlFrameAsync(int type, byte[] payload, CancellationToken ct)
    {
        var frame = new byte[8 + payload.Length];
        frame[0] = 0x80;
        frame[1] = 3;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)type);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), payload.Length);
        payload.CopyTo(frame, 8);
        return WriteAsync(frame, ct);
    }

    private async Task WriteAsync(byte[] frame, CancellationToken ct)
    {
        await _writing.WaitAsync(ct);
        try
        {
            await transport.WriteAsync(frame, ct);
            await transport.FlushAsync(ct);
        }
        finally
        {
            _writing.Release();
        }
    }
}
