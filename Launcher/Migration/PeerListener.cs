using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>
/// The target's open door: TLS on the pod's address, for the one source that the control plane named. Leads its channels to libvirt and
/// QEMU in this pod.
/// </summary>
internal sealed class PeerListener : IAsyncDisposable
{
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);
    private readonly TcpListener _listener;
    private readonly LauncherIdentity _identity;
    private readonly string _sourceCertificate;
    private readonly long _epoch;
    private readonly string _libvirtSocket;
    private readonly Action<string> _log;
    private readonly CancellationTokenSource _stop = new();
    private FrameStream? _control;

    public PeerListener(string address, int port, LauncherIdentity identity, PrepareIncoming order, string libvirtSocket, Action<string> log)
    {
        (_identity, _sourceCertificate, _epoch, _libvirtSocket, _log) = (identity, order.SourceCertificate, order.Epoch, libvirtSocket, log);
        _listener = new TcpListener(IPAddress.Parse(address), port);
        _listener.Start();
        Endpoint = new MigrationEndpoint(address, ((IPEndPoint)_listener.LocalEndpoint).Port, identity.Certificate);
    }

    public MigrationEndpoint Endpoint { get; }

    /// <summary>A source is connected and may be spoken to.</summary>
    public event Action? PeerConnected;

    public event Action<IPeerMessage>? Heard;

    /// <summary>The guest's memory comes no more: it is all here, or will never be.</summary>
    public event Action? MemoryEnded;

    public void Start() => _ = AcceptAsync();

    /// <summary>Lost when nobody is connected; it is said again to whoever connects.</summary>
    public async Task SayAsync(IPeerMessage message)
    {
        try
        {
            if (_control is { } control)
                await control.WriteAsync(0, message, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            _log($"the source could not be told {message.GetType().Name}: {e.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        PeerChannels.WatchPeer(socket);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await using (tls.ConfigureAwait(false))
        {
            try
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                patience.CancelAfter(HandshakePatience);
                await tls.AuthenticateAsServerAsync(_identity.Server(_sourceCertificate), patience.Token).ConfigureAwait(false);
                var header = new byte[PeerChannels.HeaderBytes];
                await tls.ReadExactlyAsync(header, patience.Token).ConfigureAwait(false);
                if (BinaryPrimitives.ReadInt64BigEndian(header.AsSpan(1)) != _epoch)
                    throw new InvalidDataException("the connection is of another attempt");
                await LeadAsync(tls, (PeerChannel)header[0]).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or AuthenticationException or SocketException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
            {
                if (!_stop.IsCancellationRequested)
                    _log($"migration connection from {Remote(socket)} refused or broken: {e.Message}");
            }
        }
    }

    private async Task LeadAsync(SslStream tls, PeerChannel channel)
    {
        if (channel is PeerChannel.Control)
        {
            await ListenAsync(tls).ConfigureAwait(false);
            return;
        }

        var socket = channel switch
        {
            PeerChannel.Rpc => _libvirtSocket,
            PeerChannel.Memory or PeerChannel.Disks => PeerChannels.Socket(channel),
            _ => throw new InvalidDataException($"channel {(byte)channel} is unknown"),
        };
        var local = await PeerChannels.ConnectAsync(socket, _stop.Token).ConfigureAwait(false);
        await using (local.ConfigureAwait(false))
            await PeerChannels.RelayAsync(local, tls, _stop.Token).ConfigureAwait(false);
        if (channel is PeerChannel.Memory)
            MemoryEnded?.Invoke();
    }

    private async Task ListenAsync(SslStream tls)
    {
        var control = new FrameStream(tls);
        _control = control;
        PeerConnected?.Invoke();
        while (await control.ReadAsync(_stop.Token).ConfigureAwait(false) is { } frame)
        {
            if (frame.Message is not IPeerMessage message)
                throw new InvalidDataException($"{frame.Message.GetType().Name} is no message of a peer");
            Heard?.Invoke(message);
        }

        Interlocked.CompareExchange(ref _control, null, control);
    }

    private static string Remote(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString() ?? "somebody";
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            return "somebody";
        }
    }
}
