using System.Net.Sockets;
using Akka.Actor;
using Akka.TestKit.Xunit;
using Troupe.Messages.Protocol.Streams;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Streams;
using Xunit;

namespace Troupe.NodeActors.Tests;

/// <summary>A display's socket that accepts everybody, and the hub in front of it.</summary>
public sealed class StreamHubTests : TestKit
{
    private readonly string _root = Directory.CreateTempSubdirectory("hub-").FullName;
    private readonly Socket _display;

    public StreamHubTests()
    {
        var folder = Directory.CreateDirectory(Path.Combine(new PodFolders(_root).EmptyDir("pod", "private"), "vmi")).FullName;
        _display = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _display.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "virt-vnc")));
        _display.Listen();
    }

    [Fact]
    public void A_new_client_of_the_display_ends_the_one_before_unless_it_is_told_to_let_it_be()
    {
        var hub = Sys.ActorOf(StreamHub.Props(new PodFolders(_root), new PipeVsock(), null));
        var (first, polite, second) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        hub.Tell(Open(first.Ref, preserve: true));
        first.ExpectMsg<StreamOpened>();
        hub.Tell(Open(polite.Ref, preserve: true));
        var refused = polite.ExpectMsg<StreamClosed>();
        Assert.Equal(("Active VNC connection. Request denied.", true), (refused.Reason, refused.IsBusy));
        first.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        hub.Tell(Open(second.Ref, preserve: false));
        second.ExpectMsg<StreamOpened>();
        var ended = first.ExpectMsg<StreamClosed>();
        Assert.Equal(("another client has connected", false), (ended.Reason, ended.IsBusy));
    }

    [Fact]
    public void A_VSOCK_port_is_open_to_many_and_one_that_cannot_be_reached_is_refused_in_words()
    {
        var vsock = new PipeVsock();
        var hub = Sys.ActorOf(StreamHub.Props(new PodFolders(_root), vsock, null));
        var (one, other, lost) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        foreach (var probe in new[] { one, other })
        {
            hub.Tell(OfPort(probe.Ref, 1234));
            probe.ExpectMsg<StreamOpened>();
            probe.Reply(new StreamData("hello"u8.ToArray()));
            probe.FishForMessage(m => m is StreamData { Bytes: [(byte)'h', ..] });
        }

        hub.Tell(OfPort(lost.Ref, 1));
        var refused = lost.ExpectMsg<StreamClosed>();
        Assert.Equal(("VSOCK 7:1: Connection refused", false), (refused.Reason, refused.IsBusy));
        one.Reply(new StreamData("again"u8.ToArray()));
        one.FishForMessage(m => m is StreamData { Bytes: [(byte)'a', ..] });
    }

    [Fact]
    public async Task The_kernels_VSOCK_says_what_is_missing()
    {
        if (File.Exists("/dev/vhost-vsock"))
            return;
        Assert.Equal("this node has no /dev/vhost-vsock", Assert.Throws<IOException>(() => new HostVsock().Listen(1)).Message);
        Assert.Equal("this node has no /dev/vhost-vsock", (await Assert.ThrowsAsync<IOException>(() => new HostVsock().ConnectAsync(3, 1, CancellationToken.None))).Message);
    }

    [Fact]
    public void A_port_that_wants_TLS_is_not_opened_by_an_agent_that_has_no_certificate()
    {
        var hub = Sys.ActorOf(StreamHub.Props(new PodFolders(_root), new PipeVsock(), null));
        var client = CreateTestProbe();
        hub.Tell(OfPort(client.Ref, 1234) with { Tls = true });
        Assert.Equal("this agent has no certificate to show to guests; tls=false connects without", client.ExpectMsg<StreamClosed>().Reason);
    }

    private static OpenStream OfPort(IActorRef client, long port) =>
        new("node", "vmi", "pod", StreamKind.Vsock, Akka.Serialization.Serialization.SerializedActorPath(client)) { ContextId = 7, Port = port };

    /// <summary>A guest whose port 1234 sends back what it gets.</summary>
    private sealed class PipeVsock : IVsock
    {
        public async Task<Stream> ConnectAsync(long contextId, long port, CancellationToken ct)
        {
            if (port != 1234)
                throw new IOException($"VSOCK {contextId}:{port}: Connection refused");
            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint($"\0hub-{Guid.NewGuid():N}"));
            listener.Listen();
            var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await near.ConnectAsync(listener.LocalEndPoint!, ct);
            _ = EchoAsync(await listener.AcceptAsync(ct), listener);
            return new NetworkStream(near, ownsSocket: true);
        }

        public IStreamListener Listen(uint port) => throw new IOException($"VSOCK port {port} of the host: Address already in use");

        private static async Task EchoAsync(Socket far, Socket listener)
        {
            using (listener)
            using (far)
            {
                var buffer = new byte[64];
                while (await far.ReceiveAsync(buffer) is > 0 and var count)
                    await far.SendAsync(buffer.AsMemory(0, count));
            }
        }
    }

    private static OpenStream Open(IActorRef client, bool preserve) =>
        new("node", "vmi", "pod", StreamKind.Vnc, Akka.Serialization.Serialization.SerializedActorPath(client)) { PreserveSession = preserve };

    protected override void AfterAll()
    {
        base.AfterAll();
        _display.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
