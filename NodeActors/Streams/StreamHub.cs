using System.Net.Sockets;
using Akka.Actor;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Streams;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Streams;

/// <summary>All streams of a node. A guest's console and its display have one client each: the newest. USB devices take the slots that are free.</summary>
public sealed class StreamHub : ReceiveActor
{
    private readonly Dictionary<(string VmiUid, string Socket), IActorRef> _streams = [];

    public StreamHub(PodFolders pods, IVsock vsock, IVsockTrust? trust)
    {
        Receive<OpenStream>(open => open.Kind is StreamKind.Vsock, open =>
            Context.ActorOf(StreamActor.Props(open, ct => ConnectAsync(vsock, trust, open, ct), null)));
        Receive<OpenStream>(open =>
        {
            var socket = SocketOf(open);
            IActorRef? old = null;
            var refusal = socket is null ? $"all {LauncherPaths.UsbRedirectionSlots} slots for USB devices are in use"
                : _streams.TryGetValue((open.VmiUid, socket), out old) && open.PreserveSession ? "Active VNC connection. Request denied."
                : null;
            var stream = Context.ActorOf(StreamActor.Props(open, ct => ConnectAsync(pods, open, socket!, ct), refusal));
            if (socket is null || refusal is not null)
                return;
            if (old is not null)
                old.Tell(new StreamClosed("another client has connected"));
            _streams[(open.VmiUid, socket)] = stream;
            Context.Watch(stream);
        });
        Receive<Terminated>(t =>
        {
            foreach (var key in _streams.Where(s => s.Value.Equals(t.ActorRef)).Select(s => s.Key).ToList())
                _streams.Remove(key);
        });
    }

    public static Props Props(PodFolders pods, IVsock vsock, IVsockTrust? trust) => Akka.Actor.Props.Create(() => new StreamHub(pods, vsock, trust));

    private static async Task<Stream> ConnectAsync(IVsock vsock, IVsockTrust? trust, OpenStream open, CancellationToken ct)
    {
        if (!open.Tls)
            return await vsock.ConnectAsync(open.ContextId, open.Port, ct).ConfigureAwait(false);
        using var certificate = await (trust ?? throw new IOException("this agent has no certificate to show to guests; tls=false connects without")).CertificateAsync(ct).ConfigureAwait(false);
        return await GuestTls.SecureAsync(await vsock.ConnectAsync(open.ContextId, open.Port, ct).ConfigureAwait(false), certificate, ct).ConfigureAwait(false);
    }

    private static async Task<Stream> ConnectAsync(PodFolders pods, OpenStream open, string socketName, CancellationToken ct) =>
        new NetworkStream(await LongPathSocket.ConnectAsync(Path.Combine(pods.EmptyDir(open.PodUid, "private"), open.VmiUid), socketName, ct).ConfigureAwait(false), ownsSocket: true);

    private string? SocketOf(OpenStream open) => open.Kind switch
    {
        StreamKind.Console => LauncherPaths.SerialName,
        StreamKind.Vnc => LauncherPaths.VncName,
        _ => Enumerable.Range(0, LauncherPaths.UsbRedirectionSlots).Select(LauncherPaths.UsbRedirectionName).FirstOrDefault(name => !_streams.ContainsKey((open.VmiUid, name))),
    };
}
