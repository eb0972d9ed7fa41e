using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Standard streams over a web socket (v4 and v5.channel.k8s.io): the first byte of each message is the stream's number.</summary>
internal sealed class WebSocketStreams : IRemoteStreams
{
    private const byte StdinChannel = 0, StdoutChannel = 1, StderrChannel = 2, ErrorChannel = 3, ResizeChannel = 4, CloseChannel = 255;

    private readonly WebSocket _socket;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Pipe _stdin = new();
    private readonly Channel<TerminalSize> _sizes = Channel.CreateUnbounded<TerminalSize>();
    private readonly CancellationTokenSource _gone = new();
    private readonly Task _reading;

    public WebSocketStreams(WebSocket socket, RemoteOptions options)
    {
        _socket = socket;
        Stdin = options.Stdin ? _stdin.Reader.AsStream() : null;
        _reading = Task.Run(ReadAsync);
    }

    public Stream? Stdin { get; }

    public ChannelReader<TerminalSize> Sizes => _sizes.Reader;

    public CancellationToken Gone => _gone.Token;

    public Task StdoutAsync(ReadOnlyMemory<byte> data) => SendAsync(StdoutChannel, data);

    public Task StderrAsync(ReadOnlyMemory<byte> data) => SendAsync(StderrChannel, data);

    public async Task FinishAsync(JsonObject status)
    {
        try
        {
            await SendAsync(ErrorChannel, status.ToUtf8());
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", _gone.Token);
            await _reading.WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (Exception left) when (left is WebSocketException or OperationCanceledException or TimeoutException or IOException)
        {
            // Then it does not want to know.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
        _sending.Dispose();
        _gone.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        var open = true;
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += part.Count;
                    if (length == buffer.Length && !part.EndOfMessage) Array.Resize(ref buffer, buffer.Length * 2);
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) break;
                if (length == 0) continue;
                switch (buffer[0])
                {
                    case StdinChannel when open && Stdin is not null && length > 1:
                        await _stdin.Writer.WriteAsync(buffer.AsMemory(1, length - 1));
                        break;
                    case CloseChannel when length > 1 && buffer[1] == StdinChannel && open:
                        open = false;
                        await _stdin.Writer.CompleteAsync();
                        break;
                    case ResizeChannel when TerminalSize.Read(buffer.AsSpan(1, length - 1)) is { } size:
                        _sizes.Writer.TryWrite(size);
                        break;
                }
            }
        }
        catch (Exception left) when (left is WebSocketException or OperationCanceledException or IOException)
        {
            // Gone without a word.
        }
        if (open) await _stdin.Writer.CompleteAsync();
        _sizes.Writer.TryComplete();
        await _gone.CancelAsync();
    }

    private async Task SendAsync(byte channel, ReadOnlyMemory<byte> data)
    {
        var message = new byte[data.Length + 1];
        message[0] = channel;
        data.Span.CopyTo(message.AsSpan(1));
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, _gone.Token);
        }
        catch (WebSocketException closed)
        {
            throw new IOException(closed.Message, closed);
        }
        finally
        {
            _sending.Release();
        }
    }
}
