using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes.Logs;

/// <summary>Where a container's log file is, and whether it is still being written.</summary>
internal sealed record LogLocation(string File, Func<bool> StillRuns);

/// <summary>The pod log subresource, from the files that conmon writes.</summary>
internal sealed class PodLogs(Func<PodLogRequest, LogLocation> locate, TimeProvider time) : IPodLogSource
{
    private const int ChunkSize = 64 * 1024;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(PodLogRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        var location = locate(request);
        var since = request.SinceSeconds is { } seconds ? time.GetUtcNow() - TimeSpan.FromSeconds(seconds) : DateTimeOffset.MinValue;
        var left = request.LimitBytes ?? long.MaxValue;
        await using var file = new FileStream(location.File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (request.TailLines is { } tail) file.Seek(await TailStartAsync(file, tail, ct), SeekOrigin.Begin);

        using var changes = request.Follow ? new ChangeSignal(location.File) : null;
        var pending = Array.Empty<byte>();
        var buffer = new byte[ChunkSize];
        while (true)
        {
            // Asked before reading: what the container wrote last is then surely seen.
            var mayGrow = request.Follow && location.StillRuns();
            int count;
            while ((count = await file.ReadAsync(buffer, ct)) > 0)
            {
                byte[] data = [.. pending, .. buffer.AsSpan(0, count)];
                var output = new MemoryStream();
                var start = 0;
                for (var end = Array.IndexOf(data, (byte)'\n'); end >= 0; end = Array.IndexOf(data, (byte)'\n', start))
                {
                    if (CriLine.Parse(data.AsMemory(start, end - start)) is { } line && line.Time >= since) output.Write(line.Payload(request.Timestamps));
                    start = end + 1;
                }
                pending = data[start..];
                if (output.Length == 0) continue;
                var chunk = output.ToArray();
                if (chunk.Length >= left)
                {
                    yield return chunk.AsMemory(0, (int)left);
                    yield break;
                }
                left -= chunk.Length;
                yield return chunk;
            }
            if (!mayGrow) yield break;
            await changes!.WaitAsync(TimeSpan.FromSeconds(1), time, ct);
        }
    }

    /// <summary>Offset of the n-th last line; scanned from the end, for logs can be long.</summary>
    private static async Task<long> TailStartAsync(FileStream file, long lines, CancellationToken ct)
    {
        if (lines <= 0) return file.Length;
        var buffer = new byte[ChunkSize];
        var position = file.Length;
        long newlines = 0;
        while (position > 0)
        {
            var size = (int)Math.Min(ChunkSize, position);
            position -= size;
            file.Seek(position, SeekOrigin.Begin);
            await file.ReadExactlyAsync(buffer.AsMemory(0, size), ct);
            for (var i = size - 1; i >= 0; i--)
            {
                // The file's very last newline ends the last line, it does not start another.
                if (buffer[i] == '\n' && ++newlines > lines) return position + i + 1;
            }
        }
        return 0;
    }

    /// <summary>Wakes a follower when its file grows.</summary>
    private sealed class ChangeSignal : IDisposable
    {
        private readonly Channel<bool> changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        private readonly FileSystemWatcher watcher;

        public ChangeSignal(string file)
        {
            watcher = new FileSystemWatcher(Path.GetDirectoryName(file)!, Path.GetFileName(file)) { NotifyFilter = NotifyFilters.Size | NotifyFilters.LastWrite };
            watcher.Changed += (_, _) => changed.Writer.TryWrite(true);
            watcher.EnableRaisingEvents = true;
        }

        /// <summary>Returns on a change, and after the longest time in any case (the container may have ended in silence).</summary>
        public async Task WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken ct)
        {
            using var timeout = new CancellationTokenSource(longest, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
            try
            {
                await changed.Reader.ReadAsync(both.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                // longest time over
            }
        }

        public void Dispose() => watcher.Dispose();
    }
}
