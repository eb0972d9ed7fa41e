using System.Collections.Concurrent;
using System.Net.Sockets;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Launchers;

/// <summary>A live connection to one launcher.</summary>
public interface ILauncher : IAsyncDisposable
{
    /// <summary>Pid of the launcher, whose network namespace is the pod's.</summary>
    int ProcessId { get; }

    /// <exception cref="IOException">The connection broke before the reply came.</exception>
    Task<LauncherReply> AskAsync(ILauncherRequest request, CancellationToken ct);
}

/// <summary>How a domain actor gets at launchers.</summary>
public interface ILauncherConnector
{
    /// <param name="changed">Called for every pushed observation, in order.</param>
    /// <param name="closed">Called once when the connection ends for any reason.</param>
    /// <exception cref="IOException">No launcher listens there (yet, or any more).</exception>
    Task<ILauncher> ConnectAsync(string podUid, Action<DomainObservation> changed, Action closed, CancellationToken ct);
}

public sealed class LauncherConnector(PodFolders pods) : ILauncherConnector
{
    public async Task<ILauncher> ConnectAsync(string podUid, Action<DomainObservation> changed, Action closed, CancellationToken ct)
    {
        try
        {
            var socket = await LongPathSocket.ConnectAsync(pods.Sockets(podUid), LauncherPaths.SocketName, ct).ConfigureAwait(false);
            return new LauncherConnection(socket, changed, closed);
        }
        catch (SocketException e)
        {
            throw new IOException($"no launcher answers in pod {podUid}: {e.Message}", e);
        }
    }
}

public sealed class LauncherConnection : ILauncher
{
    private readonly NetworkStream _stream;
    private readonly FrameStream _frames;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly ConcurrentDictionary<long, TaskCompletionSource<LauncherReply>> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reader;
    private long _id;

    public LauncherConnection(Socket socket, Action<DomainObservation> changed, Action closed)
    {
        ProcessId = LongPathSocket.PeerPid(socket);
        _stream = new NetworkStream(socket, ownsSocket: true);
        _frames = new FrameStream(_stream);
        _reader = Task.Run(() => ReadAsync(changed, closed));
    }

    public int ProcessId { get; }

    public async Task<LauncherReply> AskAsync(ILauncherRequest request, CancellationToken ct)
    {
        var id = Interlocked.Increment(ref _id);
        var reply = new TaskCompletionSource<LauncherReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = reply;
        try
        {
            await _writing.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                await _frames.WriteAsync(id, request, ct).ConfigureAwait(false);
            }
            finally
            {
                _writing.Release();
            }

            if (_reader.IsCompleted)
                throw new IOException("the launcher has closed the connection");
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
        _writing.Dispose();
        _stop.Dispose();
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

        foreach (var waiting in _waiting.Values)
            waiting.TrySetException(new IOException("the launcher has closed the connection"));
        closed();
    }
}
