using System.Net.WebSockets;
using Akka.Actor;
using Akka.Serialization;
using Troupe.Messages.Protocol.Streams;

namespace Troupe.ControlPlane.Subresources;

/// <summary>The control plane's end of a stream: a client's websocket on one side, the node's StreamActor on the other.</summary>
public sealed class StreamSession : ReceiveActor
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);
    private readonly TaskCompletionSource<StreamClosed?> _done;
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _buffer = new byte[StreamProtocol.ChunkBytes];
    private IActorRef _node = ActorRefs.Nobody;
    private Task _sending = Task.CompletedTask;

    /// <summary>Null until the guest's end is open: a client is refused by an answer, not by a stream that ends at once.</summary>
    private Task<WebSocket>? _accepting;
    private int _credit;

    /// <summary>The client is being told of the end.</summary>
    private bool _isEnding;
    private bool _reading;

    /// <param name="accept">Lets the client in.</param>
    /// <param name="done">Why the client was not let in, or null.</param>
    public StreamSession(Func<Task<WebSocket>> accept, IActorRef nodes, OpenStream open, TaskCompletionSource<StreamClosed?> done)
    {
        _done = done;
        nodes.Tell(open with { Client = Serialization.SerializedActorPath(Self) });
        Context.SetReceiveTimeout(OpenTimeout);
        Receive<ReceiveTimeout>(_ => Close(new StreamClosed("the node did not answer")));
        Receive<StreamOpened>(opened =>
        {
            Context.SetReceiveTimeout(null);
            _node = Sender;
            Context.Watch(_node);
            _credit = opened.Credit;
            _accepting = accept();
            _accepting.PipeTo(Self, success: _ => new Accepted());
        });
        Receive<Accepted>(_ => Read());
        Receive<StreamData>(OnData);
        Receive<StreamCredit>(c =>
        {
            _credit += c.Chunks;
            Read();
        });
        Receive<Got>(OnGot);
        Receive<Sent>(_ => _node.Tell(new StreamCredit(1)));
        Receive<StreamClosed>(Close);
        Receive<Status.Failure>(f => Close(new StreamClosed(f.Cause.Message)));
        Receive<Terminated>(_ => Close(new StreamClosed("the node agent is gone")));
    }

    public static Props Props(Func<Task<WebSocket>> accept, IActorRef nodes, OpenStream open, TaskCompletionSource<StreamClosed?> done) =>
        Akka.Actor.Props.Create(() => new StreamSession(accept, nodes, open, done));

    protected override void PostStop()
    {
        _node.Tell(new StreamClosed("the client has left"));
        _stop.Cancel();
        if (!_isEnding)
            _done.TrySetResult(_accepting is null ? new StreamClosed("the control plane is stopping") : null);
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
        var socket = await _accepting!.ConfigureAwait(false);
        await socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, _stop.Token).ConfigureAwait(false);
        return new Sent();
    }

    private void Read()
    {
        if (_reading || _credit == 0 || _accepting is not { IsCompletedSuccessfully: true } socket)
            return;
        _reading = true;
        ReadAsync(socket.Result).PipeTo(Self);
    }

    private async Task<Got> ReadAsync(WebSocket socket)
    {
        var result = await socket.ReceiveAsync(_buffer.AsMemory(), _stop.Token).ConfigureAwait(false);
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

    private void Close(StreamClosed closed)
    {
        var (accepting, sending, done) = (_accepting, _sending, _done);
        _isEnding = true;
        if (accepting is null)
            done.TrySetResult(closed);
        else
            _ = EndAsync(accepting, sending, closed.Reason, done);
        Context.Stop(Self);
    }

    private static async Task EndAsync(Task<WebSocket> accepting, Task sending, string reason, TaskCompletionSource<StreamClosed?> done)
    {
        try
        {
            var socket = await accepting.ConfigureAwait(false);
            await sending.ConfigureAwait(false);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, reason.Length > 100 ? reason[..100] : reason, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The client is gone already.
        }
        finally
        {
            done.TrySetResult(null);
        }
    }

    private sealed record Accepted : INoSerializationVerificationNeeded;

    private sealed record Got(byte[]? Bytes);

    private sealed record Sent;
}
