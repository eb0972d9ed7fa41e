using Akka.Actor;
using Troupe.Messages.Protocol.Streams;

namespace Troupe.NodeActors.Streams;

/// <summary>One open stream: bytes between a guest's unix socket and an actor of the control plane, each way within its credit.</summary>
public sealed class StreamActor : ReceiveActor
{
    private readonly OpenStream _open;
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _buffer = new byte[StreamProtocol.ChunkBytes];
    private IActorRef _client = ActorRefs.Nobody;
    private Stream? _guest;
    private Task _writing = Task.CompletedTask;
    private int _credit = StreamProtocol.Credit;
    private bool _reading;

    /// <param name="connect">To the guest's end.</param>
    /// <param name="refusal">Why it is not to be opened; null when it is.</param>
    public StreamActor(OpenStream open, Func<CancellationToken, Task<Stream>> connect, string? refusal)
    {
        _open = open;
        Receive<Resolved>(r =>
        {
            _client = r.Client;
            Context.Watch(_client);
            if (refusal is not null)
                Close(refusal, isBusy: true);
            else
                ConnectAsync(connect).PipeTo(Self);
        });
        Receive<Connected>(c =>
        {
            _guest = c.Guest;
            _client.Tell(new StreamOpened(StreamProtocol.Credit));
            Read();
        });
        Receive<StreamData>(d =>
        {
            var write = WriteAsync(_writing, _guest!, d.Bytes);
            _writing = write;
            write.PipeTo(Self);
        });
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

    public static Props Props(OpenStream open, Func<CancellationToken, Task<Stream>> connect, string? refusal) => Akka.Actor.Props.Create(() => new StreamActor(open, connect, refusal));

    protected override void PreStart() => Self.Tell(new Resolved(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(_open.Client)));

    protected override void PostStop()
    {
        _stop.Cancel();
        _guest?.Dispose();
    }

    private async Task<Connected> ConnectAsync(Func<CancellationToken, Task<Stream>> connect)
    {
        var guest = await connect(_stop.Token).ConfigureAwait(false);
        // The client may have left meanwhile.
        if (_stop.IsCancellationRequested)
            await guest.DisposeAsync().ConfigureAwait(false);
        return new(guest);
    }

    private void Read()
    {
        if (_reading || _credit == 0 || _guest is null)
            return;
        _reading = true;
        ReadAsync(_guest).PipeTo(Self);
    }

    private async Task<Got> ReadAsync(Stream guest)
    {
        var count = await guest.ReadAsync(_buffer).ConfigureAwait(false);
        return new Got(_buffer[..count]);
    }

    private static async Task<Wrote> WriteAsync(Task previous, Stream guest, byte[] bytes)
    {
        await previous.ConfigureAwait(false);
        await guest.WriteAsync(bytes).ConfigureAwait(false);
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

    private sealed record Connected(Stream Guest) : INoSerializationVerificationNeeded;

    private sealed record Got(byte[] Bytes);

    private sealed record Wrote;
}
