using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Troupe.Launcher.Hooks;

/// <summary>
/// The other end of <see cref="GrpcSocket"/>: unary calls over a unix socket, one connection after the other. It reads headers as .NET's client
/// writes them, which compresses nothing.
/// </summary>
/// <param name="handle">Gets the method's path and the message, and gives the answer. A <see cref="HookException"/> becomes the call's error.</param>
internal sealed class GrpcListener(string path, Func<string, byte[], Task<byte[]>> handle, Action<string> log)
{
    /// <exception cref="SocketException">The socket cannot be made.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        while (true)
        {
            using var socket = await listener.AcceptAsync(ct).ConfigureAwait(false);
            try
            {
                using var stream = new NetworkStream(socket);
                await new Http2Connection(stream, handle).ServeAsync(ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                log($"hook call: {e.Message}");
            }
        }
    }

    private sealed class Http2Connection(Stream stream, Func<string, byte[], Task<byte[]>> handle)
    {
        private const int Data = 0;
        private const int Headers = 1;
        private const int Reset = 3;
        private const int Settings = 4;
        private const int Ping = 6;
        private const int GoAway = 7;
        private const int WindowUpdate = 8;
        private const int Continuation = 9;
        private const byte EndStream = 1;
        private const byte Acknowledged = 1;
        private const byte EndHeaders = 4;
        private const byte Padded = 8;
        private const byte HasPriority = 0x20;
        private const int FrameHeader = 9;
        private const int MostInFrame = 16384;
        private const int MostInMessage = 16 << 20;
        private const int MessagePrefix = 5;
        private const int InitialWindow = 65535;
        private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
        private readonly Dictionary<int, Call> _calls = [];
        private readonly Queue<(int Id, Call Call)> _complete = new();
        private int _window = InitialWindow;
        private int _streamWindow = InitialWindow;
        private bool _isOver;

        private sealed class Call
        {
            public MemoryStream Head { get; } = new();
            public MemoryStream Body { get; } = new();
            public bool HasEnded { get; set; }
            public int Window { get; set; }
        }

        public async Task ServeAsync(CancellationToken ct)
        {
            var preface = new byte[Preface.Length];
            await stream.ReadExactlyAsync(preface, ct).ConfigureAwait(false);
            if (!preface.AsSpan().SequenceEqual(Preface))
                throw new InvalidDataException("the client does not speak HTTP/2");
            // No table of headers, and windows that are never full: SETTINGS_HEADER_TABLE_SIZE, SETTINGS_INITIAL_WINDOW_SIZE.
            await WriteAsync(Settings, 0, 0, (byte[])[0, 1, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff], ct).ConfigureAwait(false);
            await WriteAsync(WindowUpdate, 0, 0, Number(int.MaxValue - InitialWindow), ct).ConfigureAwait(false);
            while (!_isOver)
            {
                if (_complete.TryDequeue(out var call))
                    await AnswerAsync(call.Id, call.Call, ct).ConfigureAwait(false);
                else
                    await ReadFrameAsync(ct).ConfigureAwait(false);
            }
        }

        private async Task AnswerAsync(int id, Call call, CancellationToken ct)
        {
            // ":status: 200" and "content-type", by their places in the static table.
            await WriteAsync(Headers, EndHeaders, id, (byte[])[0x88, 0x0f, 0x10, .. Text("application/grpc")], ct).ConfigureAwait(false);
            var (status, message) = ("0", "");
            try
            {
                var answer = await handle(Hpack.Path(call.Head.ToArray()), Message(call.Body.ToArray())).ConfigureAwait(false);
                await SendAsync(id, call, (byte[])[0, .. Number(answer.Length), .. answer], ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HookException or InvalidDataException)
            {
                (status, message) = ("2", Uri.EscapeDataString(e.Message));
            }

            List<byte> trailers = [0, .. Text("grpc-status"), .. Text(status)];
            if (message.Length > 0)
                trailers.AddRange([0, .. Text("grpc-message"), .. Text(message)]);
            await WriteAsync(Headers, EndHeaders | EndStream, id, trailers.ToArray(), ct).ConfigureAwait(false);
            _calls.Remove(id);
        }

        private async Task SendAsync(int id, Call call, ReadOnlyMemory<byte> bytes, CancellationToken ct)
        {
            while (bytes.Length > 0)
            {
                var room = Math.Min(Math.Min(_window, call.Window), Math.Min(bytes.Length, MostInFrame));
                if (room <= 0)
                {
                    await ReadFrameAsync(ct).ConfigureAwait(false);
                    if (_isOver)
                        throw new IOException("the client has left");
                    continue;
                }

                await WriteAsync(Data, 0, id, bytes[..room], ct).ConfigureAwait(false);
                bytes = bytes[room..];
                _window -= room;
                call.Window -= room;
            }
        }

        private async Task ReadFrameAsync(CancellationToken ct)
        {
            var header = new byte[FrameHeader];
            if (await stream.ReadAtLeastAsync(header, FrameHeader, throwOnEndOfStream: false, ct).ConfigureAwait(false) < FrameHeader)
            {
                _isOver = true;
                return;
            }

            var length = header[0] << 16 | header[1] << 8 | header[2];
            if (length > MostInFrame)
                throw new InvalidDataException($"a frame of {length} bytes");
            var (type, flags, id) = (header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)) & int.MaxValue);
            var payload = new byte[length];
            await stream.ReadExactlyAsync(payload, ct).ConfigureAwait(false);
            switch (type)
            {
                case Headers or Data or Continuation:
                    Take(id, type, flags, payload);
                    break;
                case Settings when (flags & Acknowledged) == 0:
                    Apply(payload);
                    await WriteAsync(Settings, Acknowledged, 0, ReadOnlyMemory<byte>.Empty, ct).ConfigureAwait(false);
                    break;
                case Ping when (flags & Acknowledged) == 0:
                    await WriteAsync(Ping, Acknowledged, 0, payload, ct).ConfigureAwait(false);
                    break;
                case WindowUpdate when payload.Length == 4:
                    var more = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                    if (id == 0)
                        _window += more;
                    else if (_calls.TryGetValue(id, out var call))
                        call.Window += more;
                    break;
                case Reset:
                    _calls.Remove(id);
                    break;
                case GoAway:
                    _isOver = true;
                    break;
            }
        }

        private void Take(int id, int type, byte flags, ReadOnlySpan<byte> payload)
        {
            if (!_calls.TryGetValue(id, out var call))
            {
                if (type != Headers)
                    return;
                _calls[id] = call = new Call { Window = _streamWindow };
            }

            if (type != Continuation && (flags & Padded) != 0)
                payload = payload[1..^payload[0]];
            if (type == Headers && (flags & HasPriority) != 0)
                payload = payload[5..];
            var into = type == Data ? call.Body : call.Head;
            into.Write(payload);
            if (into.Length > MostInMessage)
                throw new InvalidDataException($"a message of more than {MostInMessage} bytes");
            call.HasEnded |= type != Continuation && (flags & EndStream) != 0;
            if (call.HasEnded && (type == Data || (flags & EndHeaders) != 0))
                _complete.Enqueue((id, call));
        }

        private void Apply(ReadOnlySpan<byte> settings)
        {
            const int Entry = 6, InitialWindowSize = 4;
            for (; settings.Length >= Entry; settings = settings[Entry..])
            {
                if (BinaryPrimitives.ReadInt16BigEndian(settings) != InitialWindowSize)
                    continue;
                var window = BinaryPrimitives.ReadInt32BigEndian(settings[2..]);
                foreach (var call in _calls.Values)
                    call.Window += window - _streamWindow;
                _streamWindow = window;
            }
        }

        private async Task WriteAsync(byte type, byte flags, int id, ReadOnlyMemory<byte> payload, CancellationToken ct)
        {
            byte[] header = [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, .. Number(id)];
            await stream.WriteAsync(header, ct).ConfigureAwait(false);
            await stream.WriteAsync(payload, ct).ConfigureAwait(false);
        }

        private static byte[] Message(ReadOnlySpan<byte> body) => body.Length >= MessagePrefix && body[0] == 0 && BinaryPrimitives.ReadInt32BigEndian(body[1..]) == body.Length - MessagePrefix
            ? body[MessagePrefix..].ToArray()
            : throw new InvalidDataException("the call is not one uncompressed message");

        private static byte[] Number(int value)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, value);
            return bytes;
        }

        /// <summary>A header's name or value, cut where HPACK would want a second byte for its length.</summary>
        private static byte[] Text(string text)
        {
            const int Most = 126;
            var bytes = Encoding.ASCII.GetBytes(text.Length > Most ? text[..Most] : text);
            return [(byte)bytes.Length, .. bytes];
        }
    }
}

/// <summary>As much of HPACK as is needed to learn what is called.</summary>
internal static class Hpack
{
    /// <summary>":path" in the static table, with two values that nobody uses here.</summary>
    private const int PathIndex = 4;
    private const int IndexPathIndex = 5;

    /// <exception cref="InvalidDataException">The headers have no path, or compress it.</exception>
    public static string Path(ReadOnlySpan<byte> block)
    {
        while (block.Length > 0)
        {
            var first = block[0];
            if ((first & 0x80) != 0)
            {
                Integer(ref block, 7);
                continue;
            }

            if ((first & 0xe0) == 0x20)
            {
                Integer(ref block, 5);
                continue;
            }

            var index = Integer(ref block, (first & 0x40) != 0 ? 6 : 4);
            var name = index == 0 ? Text(ref block) : null;
            var value = Text(ref block);
            if (index is PathIndex or IndexPathIndex || name == ":path")
                return value ?? throw new InvalidDataException("the call's path is compressed");
        }

        throw new InvalidDataException("the call has no path");
    }

    /// <summary>Null for a compressed one.</summary>
    private static string? Text(ref ReadOnlySpan<byte> block)
    {
        var isHuffman = block.Length > 0 && (block[0] & 0x80) != 0;
        var length = Integer(ref block, 7);
        if (length > block.Length)
            throw new InvalidDataException("a header ends too early");
        var text = isHuffman ? null : Encoding.ASCII.GetString(block[..length]);
        block = block[length..];
        return text;
    }

    private static int Integer(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        if (block.Length == 0)
            throw new InvalidDataException("a header ends too early");
        var most = (1 << prefixBits) - 1;
        var value = block[0] & most;
        block = block[1..];
        if (value < most)
            return value;
        for (var shift = 0; shift < 21; shift += 7)
        {
            if (block.Length == 0)
                break;
            var next = block[0];
            block = block[1..];
            value += (next & 0x7f) << shift;
            if ((next & 0x80) == 0)
                return value;
        }

        throw new InvalidDataException("a header's number has no end");
    }
}
