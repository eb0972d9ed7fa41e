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
        var hub = Sys.ActorOf(StreamHub.Props(new PodFolders(_root)));
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

    private static OpenStream Open(IActorRef client, bool preserve) =>
        new("node", "vmi", "pod", StreamKind.Vnc, Akka.Serialization.Serialization.SerializedActorPath(client)) { PreserveSession = preserve };

    protected override void AfterAll()
    {
        base.AfterAll();
        _display.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
