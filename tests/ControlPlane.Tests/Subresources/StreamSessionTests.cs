using System.IO.Pipelines;
using System.Net.WebSockets;
using Akka.Actor;
using Akka.TestKit.Xunit;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Protocol.Streams;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

/// <summary>The session between a client's websocket and a node that the test plays.</summary>
public sealed class StreamSessionTests : TestKit
{
    private readonly TaskCompletionSource<StreamClosed?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebSocket _client;
    private readonly WebSocket _server;
    private IActorRef _session = ActorRefs.Nobody;
    private int _accepted;

    public StreamSessionTests()
    {
        var (there, back) = (new Pipe(), new Pipe());
        _server = WebSocket.CreateFromStream(new PipePair(there.Reader, back.Writer), isServer: true, null, TimeSpan.Zero);
        _client = WebSocket.CreateFromStream(new PipePair(back.Reader, there.Writer), isServer: false, null, TimeSpan.Zero);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_is_let_in_when_the_guests_end_is_open_and_hears_what_comes_before_that_too()
    {
        Start();
        ExpectMsg<OpenStream>();
        Assert.Equal(0, _accepted);
        Reply(new StreamOpened(1));
        Reply(new StreamData("RFB"u8.ToArray()));
        ExpectMsg<StreamCredit>();
        Assert.Equal("RFB", await Received());

        await _client.SendAsync("yes"u8.ToArray(), WebSocketMessageType.Binary, true, Ct);
        Assert.Equal("yes"u8.ToArray(), ExpectMsg<StreamData>().Bytes);
        // No credit, no more.
        await _client.SendAsync("more"u8.ToArray(), WebSocketMessageType.Binary, true, Ct);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Reply(new StreamCredit(1));
        Assert.Equal("more"u8.ToArray(), ExpectMsg<StreamData>().Bytes);

        Reply(new StreamClosed("another client has connected"));
        var end = await _client.ReceiveAsync(new byte[8], Ct);
        Assert.Equal((WebSocketMessageType.Close, "another client has connected"), (end.MessageType, _client.CloseStatusDescription));
        Assert.Null(await _done.Task.WaitAsync(Ct));
    }

    [Fact]
    public async Task A_client_that_cannot_be_served_is_never_let_in()
    {
        Start();
        ExpectMsg<OpenStream>();
        Reply(new StreamClosed("Active VNC connection. Request denied.") { IsBusy = true });
        Assert.Equal(("Active VNC connection. Request denied.", true), await _done.Task.WaitAsync(Ct) is { } refused ? (refused.Reason, refused.IsBusy) : default);
        Assert.Equal(0, _accepted);
    }

    [Fact]
    public async Task A_client_that_leaves_ends_the_guests_end()
    {
        Start();
        ExpectMsg<OpenStream>();
        Reply(new StreamOpened(1));
        await _client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
        Assert.Equal("the client has left", ExpectMsg<StreamClosed>().Reason);
        Assert.Null(await _done.Task.WaitAsync(Ct));
    }

    private void Start() => _session = Sys.ActorOf(StreamSession.Props(() =>
    {
        Interlocked.Increment(ref _accepted);
        return Task.FromResult(_server);
    }, TestActor, new OpenStream("node", "vmi", "pod", StreamKind.Vnc, ""), _done));

    private void Reply(object message) => _session.Tell(message, TestActor);

    private async Task<string> Received()
    {
        var buffer = new byte[16];
        var got = await _client.ReceiveAsync(buffer, Ct);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, got.Count);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _client.Dispose();
        _server.Dispose();
    }

    /// <summary>A stream of two one-way ones.</summary>
    private sealed class PipePair(PipeReader reader, PipeWriter writer) : Stream
    {
        private readonly Stream _read = reader.AsStream();
        private readonly Stream _write = writer.AsStream();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _read.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _write.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => _write.FlushAsync(cancellationToken);

        public override void Flush() => _write.Flush();
        public override int Read(byte[] buffer, int offset, int count) => _read.Read(buffer, offset, count);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => _write.Write(buffer, offset, count);
    }
}
