using System.Collections.Concurrent;
using System.Net.Sockets;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Wire;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Tests.Support;

public enum Cut
{
    No,
    Before,
    After,
}

/// <summary>A launcher without libvirt: the real protocol on a real socket, and a guest that is a few fields.</summary>
internal sealed class FakeLauncher : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _vmiUid;
    private readonly Task _serving;
    private (Socket Socket, FrameStream Frames)? _agent;
    private DomainObservation _domain;
    private int _hellos;
    private bool _isDisposed;

    public FakeLauncher(PodFolders pods, string podUid, string vmiUid, DomainObservation? domain = null)
    {
        (_vmiUid, _domain) = (vmiUid, domain ?? new DomainObservation());
        File.Delete(Path.Combine(pods.Sockets(podUid), LauncherPaths.SocketName));
        // The folder is too long for an address; a link to it is not.
        var link = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        Directory.CreateSymbolicLink(link, pods.Sockets(podUid));
        try
        {
            _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(link, LauncherPaths.SocketName)));
            _listener.Listen();
        }
        finally
        {
            File.Delete(link);
        }

        _serving = ServeAsync();
    }

    /// <summary>What was asked, in order, without hellos.</summary>
    public ConcurrentQueue<ILauncherRequest> Requests { get; } = new();

    public int Hellos => Volatile.Read(ref _hellos);

    /// <summary>Decides about a request before the launcher does; null leaves it to the launcher.</summary>
    public Func<ILauncherRequest, (LauncherError Error, string Message)?> Refuse { get; set; } = _ => null;

    /// <summary>Breaks the connection instead of answering, before or after the work is done; asked once for each request.</summary>
    public Func<ILauncherRequest, Cut> CutAt { get; set; } = _ => Cut.No;

    /// <summary>How many times a guest was started.</summary>
    public int Starts { get; private set; }

    public DomainObservation Domain
    {
        get
        {
            lock (_gate)
                return _domain;
        }
    }

    public void Change(DomainState state, DomainReason reason) => Observe(d => d with { State = state, Reason = reason });

    public void Observe(Func<DomainObservation, DomainObservation> change)
    {
        DomainObservation now;
        lock (_gate)
            now = _domain = change(_domain) with { Sequence = _domain.Sequence + 1 };
        Send(0, new DomainChanged(now));
    }

    public void CutConnection()
    {
        lock (_gate)
            _agent?.Socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        await _stop.CancelAsync();
        _listener.Dispose();
        CutConnection();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                // The newest agent wins, as with the real one.
                CutConnection();
                connections.Add(ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var frames = new FrameStream(stream);
        lock (_gate)
            _agent = (socket, frames);
        try
        {
            while (await frames.ReadAsync(_stop.Token) is { } frame)
            {
                var request = (ILauncherRequest)frame.Message;
                if (request is LauncherHello)
                    Interlocked.Increment(ref _hellos);
                else
                    Requests.Enqueue(request);
                var cut = CutAt(request);
                if (cut is Cut.Before)
                    return;
                var reply = Answer(request);
                if (cut is Cut.After)
                    return;
                Send(frame.Id, reply);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is over.
        }
    }

    private LauncherReply Answer(ILauncherRequest request)
    {
        var refusal = Refuse(request);
        if (refusal is null)
        {
            switch (request)
            {
                case LaunchDomain launch when Domain.State is DomainState.NoDomain:
                    Starts++;
                    lock (_gate)
                        _domain = _domain with { Epoch = launch.Epoch };
                    Change(DomainState.Running, DomainReason.Booted);
                    break;
                case ShutdownDomain or DestroyDomain when Domain.State is DomainState.NoDomain or DomainState.Shutoff:
                    refusal = (LauncherError.NoDomain, "there is no running domain");
                    break;
                case DestroyDomain:
                    Change(DomainState.Shutoff, DomainReason.Destroyed);
                    break;
            }
        }

        return new LauncherReply(refusal?.Error ?? LauncherError.None, refusal?.Message, new LauncherInfo(_vmiUid, LauncherProtocol.Version, "9.0.0", "7.2.0"), Domain);
    }

    private void Send(long id, IWireMessage message)
    {
        lock (_gate)
        {
            try
            {
                _agent?.Frames.WriteAsync(id, message, CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Nobody listens.
            }
        }
    }
}
