using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Standard streams over SPDY: one stream each, told apart by the header streamtype.</summary>
internal sealed class SpdyStreams : IRemoteStreams
{
    private readonly SpdyConnection _connection;
    private readonly IReadOnlyDictionary<string, SpdyStream> _streams;
    private readonly Channel<TerminalSize> _sizes = Channel.CreateUnbounded<TerminalSize>();
    private readonly CancellationTokenSource _gone;
    private readonly Task _reading;

    private SpdyStreams(SpdyConnection connection, IReadOnlyDictionary<string, SpdyStream> streams, Task reading, CancellationTokenSource gone)
    {
        (_connection, _streams, _gone) = (connection, streams, gone);
        _reading = reading;
        if (streams.TryGetValue("resize", out var resize)) _ = Task.Run(() => ReadSizesAsync(resize));
    }

    public Stream? Stdin => _streams.GetValueOrDefault("stdin")?.Input;

    public ChannelReader<TerminalSize> Sizes => _sizes.Reader;

    public CancellationToken Gone => _gone.Token;

    /// <summary>Waits for the streams that the request promises.</summary>
    public static async Task<SpdyStreams> AcceptAsync(SpdyConnection connection, RemoteOptions options, CancellationToken ct)
    {
        var gone = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await connection.RunAsync(ct);
            await gone.CancelAsync();
        }, CancellationToken.None);
        var wanted = new List<string> { "error" };
        if (options.Stdin) wanted.Add("stdin");
        if (options.Stdout) wanted.Add("stdout");
        if (options.Stderr) wanted.Add("stderr");
        if (options.Tty) wanted.Add("resize");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var streams = new Dictionary<string, SpdyStream>();
        while (!wanted.TrueForAll(streams.ContainsKey))
        {
            if (!await connection.Opened.WaitToReadAsync(limit.Token)) throw new IOException("the client left before it had opened its streams");
            while (connection.Opened.TryRead(out var stream)) streams[stream.Header("streamtype")] = stream;
        }
        return new SpdyStreams(connection, streams, reading, gone);
    }

    public Task StdoutAsync(ReadOnlyMemory<byte> data) => _streams["stdout"].SendAsync(data, Gone);

    public Task StderrAsync(ReadOnlyMemory<byte> data) => _streams["stderr"].SendAsync(data, Gone);

    public async Task FinishAsync(JsonObject status)
    {
        try
        {
            await _streams["error"].SendAsync(status.ToUtf8(), Gone);
            foreach (var name in new[] { "stdout", "stderr", "error" })
            {
                if (_streams.TryGetValue(name, out var stream)) await stream.FinishAsync(Gone);
            }
            // The client closes once it has read all; closing first might cut it off.
            await _reading.WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (Exception left) when (left is IOException or OperationCanceledException or TimeoutException or ApiException)
        {
            // Then it does not want to know.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _reading;
        _gone.Dispose();
    }

    private async Task ReadSizesAsync(SpdyStream resize)
    {
        using var reader = new StreamReader(resize.Input);
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                if (TerminalSize.Read(System.Text.Encoding.UTF8.GetBytes(line)) is { } size) _sizes.Writer.TryWrite(size);
            }
        }
        catch (Exception left) when (left is IOException or OperationCanceledException or InvalidDataException)
        {
            // The connection ended.
        }
        _sizes.Writer.TryComplete();
    }
}
