using System.Net.WebSockets;
using Akka.Actor;
using Akka.Serialization;
using Troupe.Messages.Protocol.Streams;

namespace Troupe.ControlPlane.Subresources;

/// <summary>The control plane's end of a stream: a client's websocket on one side, the node's StreamActor on the other.</summary>
public sealed class StreamSession : ReceiveActor
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);
    private readonly WebSocket _socket;
    private readonly TaskCompletionSource _done;
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _buffer = new byte[StreamProtocol.ChunkBytes];
    private IActorRef _node = ActorRefs.Nobody;
    private Task _sending = Task.CompletedTask;
    private int _credit;
    private bool _reading;

    public StreamSession(WebSocket socket, IActorRef nodes, OpenStream open, TaskCompletionSource done)
    {
        (_socket, _done) = (socket, done);
        nodes.Tell(open with { Client = Serialization.SerializedActorPath(Self) });
        Context.SetReceiveTimeout(OpenTimeout);
        Receive<ReceiveTimeout>(_ => Close("the node did not answer"));
        Receive<StreamOpened>(opened =>
        {
            Context.SetReceiveTimeout(null);
            _node = Sender;
            Context.Watch(_node);
            _credit = opened.Credit;
            Read();
        });
        Receive<StreamData>(OnData);
        Receive<StreamCredit>(c =>
        {
            _credit += c.Chunks;
            Read();
        });
        Receive<Got>(OnGot);
        Receive<Sent>(_ => _node.Tell(new StreamCredit(1)));
        Receive<StreamClosed>(c => Close(c.Reason));
        Receive<Status.Failure>(f => Close(f.Cause.Message));
        Receive<Terminated>(_ => Close("the node agent is gone"));
    }

    public static Props Props(WebSocket socket, IActorRef nodes, OpenStream open, TaskCompletionSource done) =>
        Akka.Actor.Props.Create(() => new StreamSession(socket, nodes, open, done));

    protected override void PostStop()
    {
        _node.Tell(new StreamClosed("the client has left"));
        _stop.Cancel();
        _done.TrySetResult();
    }

    private void OnData(StreamData data)
    {
        // One send at a time and in order; the node gets its credit back only when the client has taken the chunk.
        var previous = _sending;
        var send = SendAsync(previous, data.Bytes);
        _sending = send;
        send.PipeTo(Self);
    }

    private async Task<Sent> SendAsync(Task previous, byte[] bytes)
    {
        await previous.ConfigureAwait(false);
        await _socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, _stop.Token).ConfigureAwait(false);
        return new Sent();
    }

    private void Read()
    {
        if (_reading || _credit == 0)
            return;
        _reading = true;
        ReadAsync().PipeTo(Self);
    }

    private async Task<Got> ReadAsync()
    {
        var result = await _socket.ReceiveAsync(_buffer.AsMemory(), _stop.Token).ConfigureAwait(false);
        return new Got(result.MessageType is WebSocketMessageType.Close ? null : _buffer[..result.Count]);
    }

    private void OnGot(Got got)
    {
        _reading = false;
        if (got.Bytes is null)
        {
            Context.Stop(Self);
            return;
        }

        if (got.Bytes.Length > 0)
        {
            _credit--;
            _node.Tell(new StreamData(got.Bytes));
        }

        Read();
    }

    private void Close(string reason)
    {
        var (socket, sending, done) = (_socket, _sending, _done);
        Task.Run(async () =>
        {
            try
            {
                await sending.ConfigureAwait(false);
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, reason.Length > 100 ? reason[..100] : reason, patience.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client is gone already.
            }

            done.TrySetResult();
        });
        Context.Stop(Self);
    }

    private sealed record Got(byte[]? Bytes);

    private sealed record Sent;
}
