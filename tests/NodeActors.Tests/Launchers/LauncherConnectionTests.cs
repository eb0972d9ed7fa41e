using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Tests.Support;
using Xunit;

namespace Troupe.NodeActors.Tests.Launchers;

public sealed class LauncherConnectionTests : IDisposable
{
    private readonly TempNode _node = new();
    private readonly TaskCompletionSource _closed = new();
    private readonly BlockingCollection<DomainObservation> _pushed = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _node.Dispose();
        _pushed.Dispose();
    }

    [Fact]
    public async Task A_socket_below_a_path_longer_than_an_address_is_reached_and_its_owner_known()
    {
        var pod = _node.AddPod();
        await using var fake = new FakeLauncher(_node.Pods, pod, "vmi");
        Assert.True(_node.Pods.Sockets(pod).Length > 108);
        await using var launcher = await ConnectAsync(pod);
        Assert.Equal(Environment.ProcessId, launcher.Process.Id);
        Assert.False(launcher.Process.HasEnded);
        var reply = await launcher.AskAsync(new LauncherHello("agent", 1), Ct);
        Assert.Equal("vmi", reply.Launcher.VmiUid);
        fake.Change(DomainState.Running, DomainReason.Booted);
        Assert.Equal(DomainState.Running, _pushed.Take(Ct).State);
    }

    [Fact]
    public async Task Requests_at_the_same_time_get_their_own_replies()
    {
        var pod = _node.AddPod();
        await using var fake = new FakeLauncher(_node.Pods, pod, "vmi");
        fake.Refuse = r => r is ShutdownDomain s ? (LauncherError.StaleEpoch, $"{s.Epoch}") : null;
        await using var launcher = await ConnectAsync(pod);
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => launcher.AskAsync(new ShutdownDomain(i), Ct)));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i}"), replies.Select(r => r.Message));
    }

    [Fact]
    public async Task When_the_launcher_closes_every_request_fails_and_the_end_is_told()
    {
        var pod = _node.AddPod();
        await using var fake = new FakeLauncher(_node.Pods, pod, "vmi") { CutAt = r => r is DestroyDomain ? Cut.Before : Cut.No };
        await using var launcher = await ConnectAsync(pod);
        await Assert.ThrowsAsync<IOException>(() => launcher.AskAsync(new DestroyDomain(1), Ct));
        await _closed.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        await Assert.ThrowsAsync<IOException>(() => launcher.AskAsync(new DestroyDomain(1), Ct));
    }

    [Fact]
    public async Task A_peer_that_speaks_something_else_is_a_closed_connection()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path), Ct);
        File.Delete(path);
        using var server = await listener.AcceptAsync(Ct);
        await using var launcher = new LauncherConnection(client, _pushed.Add, _closed.SetResult);
        await server.SendAsync("HTTP/1.1 400 Bad Request\r\n"u8.ToArray());
        await _closed.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        await Assert.ThrowsAsync<IOException>(() => launcher.AskAsync(new DestroyDomain(1), Ct));
    }

    [Fact]
    public async Task Where_nobody_listens_the_error_is_an_IOException()
    {
        var pod = _node.AddPod();
        await Assert.ThrowsAsync<IOException>(() => ConnectAsync(pod));
        await Assert.ThrowsAsync<IOException>(() => ConnectAsync("no-such-pod"));
        Assert.True(new LauncherConnector(_node.Pods).HasPod(pod));
        Assert.False(new LauncherConnector(_node.Pods).HasPod("no-such-pod"));
    }

    [Fact]
    public async Task A_process_has_ended_once_it_is_killed_and_also_when_its_pid_is_somebody_elses()
    {
        using var sleep = Process.Start("sleep", "100");
        var process = LauncherProcess.Of(sleep.Id);
        Assert.False(process.HasEnded);
        Assert.True((process with { StartTicks = process.StartTicks - 1 }).HasEnded);
        sleep.Kill();
        await sleep.WaitForExitAsync(Ct);
        Assert.True(process.HasEnded);
        Assert.True(LauncherProcess.Of(sleep.Id).HasEnded);
    }

    private Task<ILauncher> ConnectAsync(string pod) => new LauncherConnector(_node.Pods).ConnectAsync(pod, _pushed.Add, _closed.SetResult, Ct);
}
