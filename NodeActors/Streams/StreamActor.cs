using System.Net.Sockets;
using Akka.Actor;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Streams;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Streams;

/// <summary>One open stream: bytes between a guest's unix socket and an actor of the control plane, each way within its credit.</summary>
public sealed class StreamActor : ReceiveActor
{
    private readonly OpenStream _open;
    private readonly PodFolders _pods;
    private readonly byte[] _buffer = new byte[StreamProtocol.ChunkBytes];
    private IActorRef _client = ActorRefs.Nobody;
    private Socket? _socket;
    private int _credit = StreamProtocol.Credit;
    private bool _reading;

    public StreamActor(OpenStream open, PodFolders pods)
    {
        (_open, _pods) = (open, pods);
        Receive<Resolved>(r =>
        {
            _client = r.Client;
            Context.Watch(_client);
            ConnectAsync().PipeTo(Self);
        });
        Receive<Connected>(c =>
        {
            _socket = c.Socket;
            _client.Tell(new StreamOpened(StreamProtocol.Credit));
            Read();
        });
        Receive<StreamData>(d => WriteAsync(_socket!, d.Bytes).PipeTo(Self));
        Receive<Wrote>(_ => _client.Tell(new StreamCredit(1)));
        Receive<StreamCredit>(c =>
        {
            _credit += c.Chunks;
            Read();
        });
        Receive<Got>(OnGot);
        Receive<StreamClosed>(c => Close(c.Reason));
        Receive<Status.Failure>(f => Close(f.Cause.Message));
        Receive<Terminated>(_ => Context.Stop(Self));
    }

    public static Props Props(OpenStream open, PodFolders pods) => Akka.Actor.Props.Create(() => new StreamActor(open, pods));

    protected override void PreStart() => Self.Tell(new Resolved(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(_open.Client)));

    protected override void PostStop() => _socket?.Dispose();

    private async Task<Connected> ConnectAsync()
    {
        var name = _open.Kind is StreamKind.Console ? LauncherPaths.SerialName : LauncherPaths.VncName;
        return new Connected(await LongPathSocket.ConnectAsync(Path.Combine(_pods.EmptyDir(_open.PodUid, "private"), _open.VmiUid), name, CancellationToken.None).ConfigureAwait(false));
    }

    private void Read()
    {
        if (_reading || _credit == 0 || _socket is null)
            return;
        _reading = true;
        ReadAsync(_socket).PipeTo(Self);
    }

    private async Task<Got> ReadAsync(Socket socket)
    {
        var count = await socket.ReceiveAsync(_buffer).ConfigureAwait(false);
        return new Got(_buffer[..count]);
    }

    private static async Task<Wrote> WriteAsync(Socket socket, byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await socket.SendAsync(bytes.AsMemory(sent)).ConfigureAwait(false);
        return new Wrote();
    }

    private void OnGot(Got got)
    {
        _reading = false;
        if (got.Bytes.Length == 0)
        {
            Close("the guest's end was closed");
            return;
        }

        _credit--;
        _client.Tell(new StreamData(got.Bytes));
        Read();
    }

    private void Close(string reason)
    {
        _client.Tell(new StreamClosed(reason));
        Context.Stop(Self);
    }

    private sealed record Resolved(IActorRef Client) : INoSerializationVerificationNeeded;

    private sealed record Connected(Socket Socket) : INoSerializationVerificationNeeded;

    private sealed record Got(byte[] Bytes);

    private sealed record Wrote;
}

/// <summary>All streams of a node. A guest's console and its display have one client each: the newest.</summary>
public sealed class StreamHub : ReceiveActor
{
    private readonly Dictionary<(string, StreamKind), IActorRef> _streams = [];

    public StreamHub(PodFolders pods)
    {
        Receive<OpenStream>(open =>
        {
            if (_streams.TryGetValue((open.VmiUid, open.Kind), out var old))
                old.Tell(new StreamClosed("another client has connected"));
            var stream = Context.ActorOf(StreamActor.Props(open, pods));
            _streams[(open.VmiUid, open.Kind)] = stream;
            Context.Watch(stream);
        });
        Receive<Terminated>(t =>
        {
            foreach (var key in _streams.Where(s => s.Value.Equals(t.ActorRef)).Select(s => s.Key).ToList())
                _streams.Remove(key);
        });
    }

    public static Props Props(PodFolders pods) => Akka.Actor.Props.Create(() => new StreamHub(pods));
}
