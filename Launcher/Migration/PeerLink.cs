using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>
/// The source's way to its target: unix sockets that libvirt and QEMU use as if the target were on this host, each connection on them
/// carried over TLS, and the launchers' own channel beside them.
/// </summary>
/// <param name="finishing">
/// What is to become of libvirt's last step, in an attempt that may switch to post-copy. In such a one QEMU's connection is looked after like
/// libvirt's: a QEMU that is switching would go back on that if it saw its connection end.
/// </param>
internal sealed class PeerLink(LauncherIdentity identity, MigrationEndpoint target, long targetEpoch, Action<string> log, Func<Task<FinishVerdict>>? finishing = null) : IAsyncDisposable
{
    /// <summary>A QEMU that has received all ends its connection a moment before the one that sent it does.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);
    private static readonly PeerChannel[] Relayed = [PeerChannel.Rpc, PeerChannel.Memory, PeerChannel.Disks];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ends libvirt's and QEMU's connections; the launchers' own stays.</summary>
    private readonly CancellationTokenSource _local = new();
    private FrameStream? _control;
    private Task<ConnectionHolder>? _holder;

    public event Action<IPeerMessage>? Heard;

    /// <summary>
    /// A connection to the target broke. libvirt's own end of it is still open: it is closed by <see cref="CloseLocal"/>, so that libvirt
    /// cannot go back on the migration before this launcher has decided.
    /// </summary>
    public event Action<PeerChannel>? Lost;

    /// <summary>QEMU's connection would outlive this launcher.</summary>
    public bool IsMemoryHeld { get; private set; }

    /// <summary>Whether libvirt's connection to the target would outlive this launcher.</summary>
    public event Action<bool>? Held;

    /// <exception cref="IOException">The target is not there, or is not who it should be.</exception>
    public async Task OpenAsync(CancellationToken ct)
    {
        _holder = ConnectionHolder.StartAsync(_stop.Token);
        await ConnectControlAsync(ct).ConfigureAwait(false);
        foreach (var channel in Relayed)
        {
            var path = PeerChannels.Socket(channel);
            File.Delete(path);
            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            _ = AcceptAsync(listener, channel);
        }
    }

    /// <exception cref="IOException"/>
    public async Task ConnectControlAsync(CancellationToken ct)
    {
        var tls = await ConnectAsync(PeerChannel.Control, ct).ConfigureAwait(false);
        var control = new FrameStream(tls);
        _control = control;
        _ = ListenAsync(tls, control);
    }

    public bool IsConnected => _control is not null;

    public async Task<bool> SayAsync(IPeerMessage message)
    {
        try
        {
            if (_control is not { } control)
                return false;
            await control.WriteAsync(0, message, _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            log($"the target could not be told {message.GetType().Name}: {e.Message}");
            return false;
        }
    }

    public void CloseLocal() => _local.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _local.CancelAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            if (_holder is { } holder)
                (await holder.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // There was none.
        }
    }

    private async Task AcceptAsync(Socket listener, PeerChannel channel)
    {
        using (listener)
        {
            try
            {
                while (true)
                {
                    var socket = await listener.AcceptAsync(_local.Token).ConfigureAwait(false);
                    if (IsWatched(channel))
                        await HoldAsync(socket, channel).ConfigureAwait(false);
                    _ = CarryAsync(socket, channel);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Closed; the file is removed by whoever wants the path next.
            }
        }
    }

    /// <summary>Its end is for this launcher to decide about, before those at it learn of it.</summary>
    private bool IsWatched(PeerChannel channel) => channel is PeerChannel.Rpc || (channel is PeerChannel.Memory && finishing is not null);

    private async Task HoldAsync(Socket connection, PeerChannel channel)
    {
        try
        {
            var holder = await _holder!.ConfigureAwait(false);
            if (channel is PeerChannel.Memory)
            {
                holder.Lost += () => IsMemoryHeld = false;
                holder.Hold(connection);
                IsMemoryHeld = true;
                return;
            }

            holder.Lost += () => Held?.Invoke(false);
            holder.Hold(connection);
            Held?.Invoke(true);
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
        {
            log($"should this launcher die at the switch, its guest is lost: {e.Message}");
        }
    }

    private async Task CarryAsync(Socket socket, PeerChannel channel)
    {
        var local = new NetworkStream(socket, ownsSocket: true);
        await using (local.ConfigureAwait(false))
        {
            try
            {
                await CarryAsync(local, channel).ConfigureAwait(false);
            }
            finally
            {
                // Closing is not enough for a connection that has a second owner.
                Shut(socket);
            }
        }
    }

    private static void Shut(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The other side was first.
        }
    }

    private async Task CarryAsync(NetworkStream local, PeerChannel channel)
    {
        try
        {
            var tls = await ConnectAsync(channel, _local.Token).ConfigureAwait(false);
            await using (tls.ConfigureAwait(false))
            {
                var gate = channel is PeerChannel.Rpc && finishing is not null ? () => FinishGate.CopyAsync(local, tls, AskAsync, _local.Token) : (Func<Task<bool>>?)null;
                var localEnded = await PeerChannels.RelayAsync(local, tls, _local.Token, gate, channel is PeerChannel.Memory ? EndGrace : default).ConfigureAwait(false);
                if (localEnded || !IsWatched(channel) || _local.IsCancellationRequested)
                    return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidDataException)
        {
            log($"{channel} to {target.Address}: {e.Message}");
        }

        if (!IsWatched(channel))
            return;
        Lost?.Invoke(channel);
        await Until(_local.Token).ConfigureAwait(false);
    }

    /// <summary>While the last step is held, libvirt sees its connection open.</summary>
    private async Task<FinishVerdict> AskAsync()
    {
        var verdict = await finishing!().ConfigureAwait(false);
        if (verdict is FinishVerdict.Held)
            await Until(_local.Token).ConfigureAwait(false);
        return verdict;
    }

    private async Task<SslStream> ConnectAsync(PeerChannel channel, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            PeerChannels.WatchPeer(socket);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
            patience.CancelAfter(ConnectPatience);
            await socket.ConnectAsync(target.Address, target.Port, patience.Token).ConfigureAwait(false);
            var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await tls.AuthenticateAsClientAsync(identity.Client(target.Certificate), patience.Token).ConfigureAwait(false);
            await tls.WriteAsync(PeerChannels.Header(channel, targetEpoch), patience.Token).ConfigureAwait(false);
            await tls.FlushAsync(patience.Token).ConfigureAwait(false);
            return tls;
        }
        catch (Exception e) when (e is SocketException or AuthenticationException or OperationCanceledException)
        {
            socket.Dispose();
            throw new IOException($"connecting to the target at {target.Address}:{target.Port}: {e.Message}", e);
        }
    }

    private async Task ListenAsync(SslStream tls, FrameStream control)
    {
        await using (tls.ConfigureAwait(false))
        {
            try
            {
                while (await control.ReadAsync(_stop.Token).ConfigureAwait(false) is { } frame)
                {
                    if (frame.Message is IPeerMessage message)
                        Heard?.Invoke(message);
                }
            }
            catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
            {
                log($"the control channel to {target.Address} broke: {e.Message}");
            }
        }

        Interlocked.CompareExchange(ref _control, null, control);
        if (!_stop.IsCancellationRequested)
            Lost?.Invoke(PeerChannel.Control);
    }

    private static async Task Until(CancellationToken cancelled)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancelled.Register(() => end.TrySetResult()).ConfigureAwait(false))
            await end.Task.ConfigureAwait(false);
    }
}
