using System.Net.Sockets;
using Akka.Actor;
using Troupe.Messages.Protocol.Streams;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Streams;

/// <summary>One open stream: bytes between a guest's unix socket and an actor of the control plane, each way within its credit.</summary>
public sealed class StreamActor : ReceiveActor
{
    private readonly OpenStream _open;
    private readonly PodFolders _pods;
    private readonly string? _socketName;
    private readonly byte[] _buffer = new byte[StreamProtocol.ChunkBytes];
    private IActorRef _client = ActorRefs.Nobody;
    private Socket? _socket;
    private int _credit = StreamProtocol.Credit;
    private bool _reading;

    /// <param name="refusal">Why it is not to be opened; null when it is.</param>
    public StreamActor(OpenStream open, string? socketName, string? refusal, PodFolders pods)
    {
        (_open, _socketName, _pods) = (open, socketName, pods);
        Receive<Resolved>(r =>
        {
            _client = r.Client;
            Context.Watch(_client);
            if (refusal is not null)
                Close(refusal, isBusy: true);
            else
                ConnectAsync(_socketName!).PipeTo(Self);
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

    public static Props Props(OpenStream open, string? socketName, string? refusal, PodFolders pods) => Akka.Actor.Props.Create(() => new StreamActor(open, socketName, refusal, pods));

    protected override void PreStart() => Self.Tell(new Resolved(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(_open.Client)));

    protected override void PostStop() => _socket?.Dispose();

    private async Task<Connected> ConnectAsync(string socketName) =>
        new(await LongPathSocket.ConnectAsync(Path.Combine(_pods.EmptyDir(_open.PodUid, "private"), _open.VmiUid), socketName, CancellationToken.None).ConfigureAwait(false));

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

    private void Close(string reason, bool isBusy = false)
    {
        _client.Tell(new StreamClosed(reason) { IsBusy = isBusy });
        Context.Stop(Self);
    }

    private sealed record Resolved(IActorRef Client) : INoSerializationVerificationNeeded;

    private sealed record Connected(Socket Socket) : INoSerializationVerificationNeeded;

    private sealed record Got(byte[] Bytes);

    private sealed record Wrote;
}
