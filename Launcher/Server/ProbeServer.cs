using System.Net.Sockets;
using System.Text.Json;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Operations;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Server;

/// <summary>
/// Answers kubelet's probes of the guest, which come as <c>virt-launcher --probe</c> in this container. A socket of its own: the agent's
/// has one client.
/// </summary>
internal sealed class ProbeServer(DomainHost host, Action<string> log)
{
    public async Task RunAsync(string socketPath, CancellationToken ct)
    {
        File.Delete(socketPath);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen();
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptAsync(ct).ConfigureAwait(false), ct);
        }
        catch (OperationCanceledException)
        {
            // The launcher ends.
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken ct)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var frames = new FrameStream(stream);
        try
        {
            if (await frames.ReadAsync(ct).ConfigureAwait(false) is not (var id, OperateDomain { Operation: PingGuestAgent or ExecInGuest } operate))
                return;
            var (error, message, result) = await AskAsync(operate.Operation, ct).ConfigureAwait(false);
            await frames.WriteAsync(id, new LauncherReply(error, message, new LauncherInfo("", LauncherProtocol.Version, host.LibvirtVersion, host.QemuVersion), host.Observation, result), ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException)
        {
            log($"a probe was broken off: {e.Message}");
        }
    }

    private async Task<(LauncherError, string?, OperationResult?)> AskAsync(DomainOperation operation, CancellationToken ct)
    {
        // A guest that stands still by somebody's wish, or for the last moment of its migration, is well.
        if (operation is PingGuestAgent && (host.Observation.State is DomainState.Paused || host.Observation.Migration?.Source is SourceStage.Migrating or SourceStage.Switching or SourceStage.Aborting or SourceStage.Switched))
            return (LauncherError.None, null, null);
        try
        {
            return (LauncherError.None, null, await host.OperateAsync(operation, ct).ConfigureAwait(false));
        }
        catch (OperationRefusedException e)
        {
            return (e.Error, e.Message, null);
        }
        catch (Exception e) when (e is LibvirtException or IOException or TimeoutException or JsonException)
        {
            return (LauncherError.LibvirtFailed, e.Message, null);
        }
    }
}

/// <summary>One probe: its exit code is the guest's answer.</summary>
internal static class ProbeCommand
{
    /// <param name="command">A program in the guest and its arguments; none to ask only whether the agent answers.</param>
    public static async Task<int> RunAsync(int timeoutSeconds, string[] command)
    {
        DomainOperation operation = command is [var program, .. var arguments] ? new ExecInGuest(program, arguments, timeoutSeconds) : new PingGuestAgent(timeoutSeconds);
        try
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(timeoutSeconds + 1));
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(LauncherPaths.Sockets, LauncherPaths.ProbeSocketName)), deadline.Token);
            var frames = new FrameStream(new NetworkStream(socket));
            await frames.WriteAsync(1, new OperateDomain(0, operation), deadline.Token);
            if (await frames.ReadAsync(deadline.Token) is not (_, LauncherReply reply))
                return 1;
            Console.WriteLine(reply.Message ?? reply.Result?.Text);
            return reply.Error is LauncherError.None ? reply.Result?.ExitCode ?? 0 : 1;
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }
}
