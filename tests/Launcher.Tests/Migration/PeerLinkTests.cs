using System.Collections.Concurrent;
using Troupe.Launcher.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Migration;

/// <summary>Who may send a guest, and who may receive it.</summary>
public sealed class PeerLinkTests
{
    private const long Epoch = 7;
    private static readonly CancellationToken Soon = TestContext.Current.CancellationToken;
    private readonly ConcurrentQueue<string> _log = new();

    [Fact]
    public async Task The_two_launchers_that_the_control_plane_named_hear_each_other()
    {
        using var source = new LauncherIdentity("vmi", TimeProvider.System);
        using var target = new LauncherIdentity("vmi", TimeProvider.System);
        await using var listener = Listen(target, trusted: source);
        var connected = new TaskCompletionSource();
        var heardByTarget = new TaskCompletionSource<IPeerMessage>();
        var heardBySource = new TaskCompletionSource<IPeerMessage>();
        listener.PeerConnected += () => connected.TrySetResult();
        listener.Heard += m => heardByTarget.TrySetResult(m);
        listener.Start();

        await using var link = new PeerLink(source, listener.Endpoint, Epoch, _log.Enqueue);
        link.Heard += m => heardBySource.TrySetResult(m);
        await link.ConnectControlAsync(Soon);
        await connected.Task.WaitAsync(Soon);
        await listener.SayAsync(new GuestLoaded(Epoch));
        Assert.True(await link.SayAsync(new RunGuest(Epoch)));

        Assert.Equal(new GuestLoaded(Epoch), await heardBySource.Task.WaitAsync(Soon));
        Assert.Equal(new RunGuest(Epoch), await heardByTarget.Task.WaitAsync(Soon));
    }

    [Fact]
    public async Task A_source_with_another_certificate_is_refused_and_heard_by_nobody()
    {
        using var source = new LauncherIdentity("vmi", TimeProvider.System);
        using var forger = new LauncherIdentity("vmi", TimeProvider.System);
        using var target = new LauncherIdentity("vmi", TimeProvider.System);
        await using var listener = Listen(target, trusted: source);
        var heard = 0;
        listener.PeerConnected += () => heard++;
        listener.Start();

        await using var link = new PeerLink(forger, listener.Endpoint, Epoch, _log.Enqueue);
        var lost = new TaskCompletionSource();
        link.Lost += _ => lost.TrySetResult();
        try
        {
            // With TLS 1.3 the client may learn of its refusal only by the connection's end.
            await link.ConnectControlAsync(Soon);
            await lost.Task.WaitAsync(Soon);
        }
        catch (IOException)
        {
            // Or at once.
        }

        Assert.Equal(0, heard);
        Assert.Contains(_log, l => l.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_target_with_another_certificate_gets_nothing()
    {
        using var source = new LauncherIdentity("vmi", TimeProvider.System);
        using var target = new LauncherIdentity("vmi", TimeProvider.System);
        using var forger = new LauncherIdentity("vmi", TimeProvider.System);
        await using var listener = Listen(forger, trusted: source);
        listener.Start();
        await using var link = new PeerLink(source, listener.Endpoint with { Certificate = target.Certificate }, Epoch, _log.Enqueue);
        await Assert.ThrowsAsync<IOException>(() => link.ConnectControlAsync(Soon));
    }

    [Fact]
    public async Task A_connection_of_another_attempt_is_refused()
    {
        using var source = new LauncherIdentity("vmi", TimeProvider.System);
        using var target = new LauncherIdentity("vmi", TimeProvider.System);
        await using var listener = Listen(target, trusted: source);
        var heard = 0;
        listener.PeerConnected += () => heard++;
        listener.Start();
        await using var link = new PeerLink(source, listener.Endpoint, Epoch - 1, _log.Enqueue);
        var lost = new TaskCompletionSource();
        link.Lost += _ => lost.TrySetResult();
        await link.ConnectControlAsync(Soon);
        await lost.Task.WaitAsync(Soon);
        Assert.Equal(0, heard);
    }

    [Fact]
    public async Task An_expired_certificate_is_refused_even_if_it_is_the_right_one()
    {
        var longAgo = new FixedTime(DateTimeOffset.UtcNow.AddYears(-20));
        using var source = new LauncherIdentity("vmi", TimeProvider.System);
        using var target = new LauncherIdentity("vmi", longAgo);
        await using var listener = Listen(target, trusted: source);
        listener.Start();
        await using var link = new PeerLink(source, listener.Endpoint, Epoch, _log.Enqueue);
        await Assert.ThrowsAsync<IOException>(() => link.ConnectControlAsync(Soon));
    }

    private PeerListener Listen(LauncherIdentity identity, LauncherIdentity trusted) => new("127.0.0.1", 0, identity,
        new PrepareIncoming(Epoch, "m", "127.0.0.1", trusted.Certificate, new VirtualMachineInstance(), new LaunchContext(true, [])), "/nowhere", _log.Enqueue);

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
