using System.Runtime.InteropServices;
using Troupe.Launcher.Sessions;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Sessions;

/// <summary>Against the kernel, in network namespaces that end with their threads.</summary>
public sealed partial class SessionTableTests
{
    private const string Guest = "10.0.2.2", Pod = "10.9.0.7", Peer = "10.9.0.1";

    /// <summary>From a peer to a port of the guest, and from the guest to a server outside, which sees another port.</summary>
    private static readonly GuestSession Inbound = new(6, new(Peer, 40000), new(Pod, 22), new(Peer, 40000), new(Guest, 22), 3600);
    private static readonly GuestSession Outbound = new(6, new(Guest, 50000), new(Peer, 443), new(Pod, 50001), new(Peer, 443), 7200);
    private static readonly GuestSession Datagrams = new(17, new(Guest, 5000), new(Peer, 53), new(Pod, 5000), new(Peer, 53), 100);

    [Fact]
    public void Sessions_of_a_guest_are_the_same_in_the_namespace_that_takes_them_over()
    {
        var kept = InNewNamespace(() =>
        {
            Assert.Equal((0, null), SessionTable.Add([Inbound, Outbound, Datagrams], [Guest]));
            return SessionTable.Read([Guest]);
        });

        var again = InNewNamespace(() =>
        {
            SessionTable.Add(kept, [Guest]);
            return SessionTable.Read([Guest]);
        });

        // What the kernel counts down has lost a second at most.
        Assert.Equal([Outbound, Inbound, Datagrams], again.Select((s, i) => s with { TimeoutSeconds = s.TimeoutSeconds + 1 >= kept[i].TimeoutSeconds ? new[] { Outbound, Inbound, Datagrams }[i].TimeoutSeconds : s.TimeoutSeconds }));
    }

    [Fact]
    public void A_session_that_is_there_already_stays_as_it_is() => InNewNamespace(() =>
    {
        SessionTable.Add([Inbound], [Guest]);
        Assert.Equal((0, null), SessionTable.Add([Inbound with { ReplyServer = new(Guest, 23) }], [Guest]));
        Assert.Equal(22, Assert.Single(SessionTable.Read([Guest])).ReplyServer.Port);
        return true;
    });

    [Fact]
    public void Sessions_of_others_are_neither_told_nor_taken() => InNewNamespace(() =>
    {
        var ofOthers = Inbound with { ReplyServer = new("10.0.2.9", 22) };
        SessionTable.Add([ofOthers], [Guest]);
        Assert.Empty(SessionTable.Read(["10.0.2.9"]));
        SessionTable.Add([ofOthers], ["10.0.2.9"]);
        Assert.Empty(SessionTable.Read([Guest]));
        return true;
    });

    [Fact]
    public void What_the_kernel_takes_for_no_session_is_refused_with_the_kernels_reason() => InNewNamespace(() =>
    {
        var (refused, reason) = SessionTable.Add([Inbound with { Protocol = 1 }], [Guest]);
        Assert.Equal(1, refused);
        Assert.NotNull(reason);
        return true;
    });

    [Fact]
    public void Of_very_many_sessions_the_most_recently_used_ones_are_told() => InNewNamespace(() =>
    {
        SessionTable.Add(Enumerable.Range(1, SessionTable.Limit + 10).Select(i => Inbound with { Client = new(Peer, (ushort)i), ReplyClient = new(Peer, (ushort)i), TimeoutSeconds = (uint)(10000 + i) }), [Guest]);
        var told = SessionTable.Read([Guest]);
        Assert.Equal(SessionTable.Limit, told.Count);
        Assert.DoesNotContain(told, s => s.Client.Port <= 9);
        return true;
    });

    private static T InNewNamespace<T>(Func<T> run)
    {
        const int NewNetwork = 0x40000000;
        Exception? failure = null;
        T? result = default;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.Equal(0, Unshare(NewNetwork));
                result = run();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return result!;
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
