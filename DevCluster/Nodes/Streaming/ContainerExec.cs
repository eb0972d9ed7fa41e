using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Runs a command in a container with a client's streams, with or without a terminal.</summary>
internal sealed class ContainerExec(StateLayout layout)
{
    private const string Runc = "/usr/sbin/runc";

    public async Task RunAsync(string containerId, IReadOnlyList<string> command, RemoteOptions options, IRemoteStreams streams)
    {
        // runc's own troubles go to a file: what the command prints stays apart from them.
        var log = $"{layout.RuncRoot}/.exec-{Guid.NewGuid():n}.log";
        try
        {
            List<string> arguments = ["--root", layout.RuncRoot, "--log", log, "--log-format", "json", "exec"];
            if (options.Tty) arguments.Add("--tty");
            arguments.Add(containerId);
            arguments.AddRange(command);
            var code = options.Tty ? await TerminalAsync(arguments, streams) : await PipesAsync(arguments, options, streams);
            await streams.FinishAsync(code == 255 && Trouble(log) is { } trouble ? RemoteStatus.Error($"error executing command in container: {trouble}") : RemoteStatus.ExitCode(code));
        }
        catch (Exception failure) when (failure is HostException)
        {
            await streams.FinishAsync(RemoteStatus.Error($"error executing command in container: {failure.Message}"));
        }
        finally
        {
            File.Delete(log);
        }
    }

    private static async Task<int> PipesAsync(List<string> arguments, RemoteOptions options, IRemoteStreams streams)
    {
        using var process = Command.Start(Runc, arguments, redirectInput: true);
        await using var killing = streams.Gone.Register(() => Kill(process));
        var input = FeedAsync(streams.Stdin, process.StandardInput.BaseStream, streams.Gone);
        await Task.WhenAll(
            CopyAsync(process.StandardOutput.BaseStream, options.Stdout ? streams.StdoutAsync : null),
            CopyAsync(process.StandardError.BaseStream, options.Stderr ? streams.StderrAsync : null));
        await process.WaitForExitAsync();
        _ = input;
        return process.ExitCode;
    }

    private static async Task<int> TerminalAsync(List<string> arguments, IRemoteStreams streams)
    {
        // The client tells its size first; a program that starts should see it.
        TerminalSize? size = null;
        using (var soon = CancellationTokenSource.CreateLinkedTokenSource(streams.Gone))
        {
            soon.CancelAfter(TimeSpan.FromMilliseconds(200));
            try
            {
                if (await streams.Sizes.WaitToReadAsync(soon.Token)) streams.Sizes.TryRead(out size);
            }
            catch (OperationCanceledException)
            {
                // It has none to tell.
            }
        }
        using var process = TerminalProcess.Start(Runc, arguments, size);
        await using var killing = streams.Gone.Register(process.Kill);
        _ = Task.Run(async () =>
        {
            await foreach (var next in streams.Sizes.ReadAllAsync()) process.Resize(next);
        });
        _ = FeedAsync(streams.Stdin, process.Input, streams.Gone, closes: false);
        await Task.Run(() => CopyAsync(process.Output, streams.StdoutAsync));
        return await process.Exit;
    }

    private static async Task FeedAsync(Stream? source, Stream target, CancellationToken ct, bool closes = true)
    {
        try
        {
            if (source is not null)
            {
                var buffer = new byte[32 * 1024];
                int read;
                while ((read = await source.ReadAsync(buffer, ct)) > 0)
                {
                    await target.WriteAsync(buffer.AsMemory(0, read), ct);
                    await target.FlushAsync(ct);
                }
            }
            if (closes) target.Close();
        }
        catch (Exception ended) when (ended is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The command ended before its input did.
        }
    }

    private static async Task CopyAsync(Stream source, Func<ReadOnlyMemory<byte>, Task>? write)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int read;
            while ((read = await source.ReadAsync(buffer)) > 0)
            {
                if (write is not null) await write(buffer.AsMemory(0, read));
            }
        }
        catch (Exception ended) when (ended is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The terminal's other side is closed, or the client has gone.
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has just ended.
        }
    }

    private static string? Trouble(string log) => !File.Exists(log) ? null
        : File.ReadLines(log).Select(line => JsonNode.Parse(line)).LastOrDefault(entry => entry?["level"]?.GetValue<string>() is "error" or "fatal")?["msg"]?.GetValue<string>();
}
