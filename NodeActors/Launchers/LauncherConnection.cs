using System.Collections.Concurrent;
using System.Net.Sockets;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Launchers;

/// <summary>Requests and replies over a launcher's socket, matched by id, and the observations that it pushes between them.</summary>
public sealed class LauncherConnection : ILauncher
{
    private readonly NetworkStream _stream;
    private readonly FrameStream _frames;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly ConcurrentDictionary<long, TaskCompletionSource<LauncherReply>> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reader;
    private volatile bool _ended;
    private long _id;

    public LauncherConnection(Socket socket, Action<DomainObservation> changed, Action closed)
    {
        Process = LauncherProcess.Of(LongPathSocket.PeerPid(socket));
        _stream = new NetworkStream(socket, ownsSocket: true);
        _frames = new FrameStream(_stream);
        _reader = Task.Run(() => ReadAsync(changed, closed));
    }

    public LauncherProcess Process { get; }

    public async Task<LauncherReply> AskAsync(ILauncherRequest request, CancellationToken ct)
    {
        var id = Interlocked.Increment(ref _id);
        var reply = new TaskCompletionSource<LauncherReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = reply;
        try
        {
            // After the entry is made: a reader that ends later finds it, one that ended before has said so.
            if (_ended)
                throw Closed();
            await WriteAsync(id, request, ct).ConfigureAwait(false);
            return await reply.Task.WaitAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _reader.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WriteAsync(long id, ILauncherRequest request, CancellationToken ct)
    {
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            await _frames.WriteAsync(id, request, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Half a frame may be out; nothing after it could be understood.
            await _stream.DisposeAsync().ConfigureAwait(false);
            if (e is ObjectDisposedException)
                throw Closed();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync(Action<DomainObservation> changed, Action closed)
    {
        try
        {
            while (await _frames.ReadAsync(_stop.Token).ConfigureAwait(false) is { } frame)
            {
                if (frame.Message is LauncherReply reply && _waiting.TryRemove(frame.Id, out var waiting))
                    waiting.TrySetResult(reply);
                else if (frame.Message is DomainChanged change)
                    changed(change.Domain);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidDataException)
        {
            // Whatever broke the connection, the domain actor is told the same: it is closed.
        }

        _ended = true;
        foreach (var waiting in _waiting.Values)
            waiting.TrySetException(Closed());
        closed();
    }

    private static IOException Closed() => new("the launcher has closed the connection");
}
