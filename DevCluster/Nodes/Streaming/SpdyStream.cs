using System.IO.Pipelines;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>One stream of a SPDY connection.</summary>
internal sealed class SpdyStream(SpdyConnection connection, uint id, IReadOnlyDictionary<string, string> headers)
{
    private const int Chunk = 32 * 1024;

    private readonly Pipe _input = new(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19));
    private int _ended;

    public string Header(string name) => headers.GetValueOrDefault(name, "");

    /// <summary>What the client sends, until it says that it is done.</summary>
    public Stream Input => _input.Reader.AsStream();

    public async Task SendAsync(ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        for (var at = 0; at < data.Length; at += Chunk)
            await connection.SendAsync(id, data.Slice(at, Math.Min(Chunk, data.Length - at)), fin: false, ct);
    }

    public Task FinishAsync(CancellationToken ct) => connection.SendAsync(id, default, fin: true, ct);

    public Task ResetAsync(CancellationToken ct) => connection.ResetAsync(id, ct);

    internal async Task ReceiveAsync(byte[] data, CancellationToken ct)
    {
        if (data.Length > 0 && Volatile.Read(ref _ended) == 0) await _input.Writer.WriteAsync(data, ct);
    }

    internal void EndOfInput(Exception? why = null)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) _input.Writer.Complete(why);
    }
}
