using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Containers;

internal sealed record ContainerExit(int ExitCode, DateTimeOffset FinishedAt, bool OutOfMemory);

/// <summary>
/// Containers by runc, each minded by a conmon that outlives this process, writes the log and leaves the exit code in a file.
/// All commands are idempotent towards a container that is already gone.
/// </summary>
internal sealed class RuncRuntime : IDisposable
{
    private const string Runc = "/usr/sbin/runc";

    /// <summary>Exit code reported when nobody saw how the container ended (its conmon was killed, or the machine restarted).</summary>
    public const int UnknownExitCode = 137;

    private readonly StateLayout layout;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly ConcurrentDictionary<string, Watched> watched = new();
    private readonly FileSystemWatcher exits;
    private readonly ITimer safetyPoll;

    private sealed record Watched(string Bundle, Action<ContainerExit> Exited);

    public RuncRuntime(StateLayout layout, TimeProvider time, ILogger log)
    {
        (this.layout, this.time, this.log) = (layout, time, log);
        exits = new FileSystemWatcher(layout.Exits) { NotifyFilter = NotifyFilters.FileName, InternalBufferSize = 64 * 1024 };
        exits.Created += (_, change) => Check(change.Name);
        exits.Renamed += (_, change) => Check(change.Name);
        exits.Error += (_, _) => CheckAll();
        exits.EnableRaisingEvents = true;
        // inotify loses events on overflow, and a killed conmon writes no exit file.
        safetyPoll = time.CreateTimer(_ => CheckAll(), null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
    }

    public void Dispose()
    {
        exits.Dispose();
        safetyPoll.Dispose();
    }

    /// <summary>Creates the container of a bundle and returns its process id; it waits for <see cref="StartAsync"/>.</summary>
    public async Task<int> CreateAsync(string id, string bundle, string logFile, Model.Container container, CancellationToken ct)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(logFile)!);
        // conmon tells the outcome of `runc create` on the descriptor named by _OCI_SYNCPIPE; here that is our standard output.
        using var process = Command.Start("/bin/sh",
        [
            "-c", "exec 3>&1 >/dev/null; export _OCI_SYNCPIPE=3; exec conmon \"$@\"", "conmon",
            "-c", id, "-u", id, "-r", Runc, "-b", bundle, "-p", $"{bundle}/pid", "--conmon-pidfile", $"{bundle}/conmon.pid",
            "-l", "k8s-file:" + logFile, "--exit-dir", layout.Exits, "--full-attach", "--runtime-arg=--root=" + layout.RuncRoot,
            .. container.Tty ? ["-t"] : Array.Empty<string>(),
            .. container.Stdin ? ["-i"] : Array.Empty<string>(),
            .. container is { Stdin: true, StdinOnce: false } ? ["--leave-stdin-open"] : Array.Empty<string>(),
        ]);
        var line = await process.StandardOutput.ReadLineAsync(ct);
        await process.WaitForExitAsync(ct);
        if (line is null) throw new HostException($"conmon: {(await process.StandardError.ReadToEndAsync(ct)).Trim()}");
        using var answer = JsonDocument.Parse(line);
        var pid = answer.RootElement.TryGetProperty("pid", out var found) ? found.GetInt32() : answer.RootElement.GetProperty("data").GetInt32();
        if (pid > 0) return pid;
        throw new HostException(answer.RootElement.TryGetProperty("message", out var message) ? Plain(message.GetString()!) : "runc create failed");
    }

    public Task StartAsync(string id, CancellationToken ct) => RuncAsync(["start", id], ct);

    /// <param name="id">Container id.</param>
    /// <param name="signal">Name, with or without SIG, or number.</param>
    public async Task KillAsync(string id, string signal)
    {
        var result = await Command.RunAsync(Runc, ["--root", layout.RuncRoot, "kill", id, signal]);
        if (!result.Ok && !Gone(result.Explanation)) log.LogWarning("Sending {Signal} to container {Id}: {Error}", signal, id, result.Explanation);
    }

    /// <summary>Kills what is left of the container and removes its cgroup and its state.</summary>
    public async Task DeleteAsync(string id)
    {
        var result = await Command.RunAsync(Runc, ["--root", layout.RuncRoot, "delete", "--force", id]);
        if (!result.Ok && !Gone(result.Explanation)) log.LogWarning("Removing container {Id}: {Error}", id, result.Explanation);
    }

    public async Task<CommandResult> ExecAsync(string id, IReadOnlyList<string> command, CancellationToken ct) =>
        await Command.RunAsync(Runc, ["--root", layout.RuncRoot, "exec", id, .. command], ct: ct);

    /// <summary>created, running or stopped; null when runc does not know the container.</summary>
    public async Task<string?> StateAsync(string id, CancellationToken ct = default)
    {
        var result = await Command.RunAsync(Runc, ["--root", layout.RuncRoot, "state", id], ct: ct);
        if (!result.Ok) return null;
        using var state = JsonDocument.Parse(result.Output);
        return state.RootElement.GetProperty("status").GetString();
    }

    /// <summary>Calls back once when the container has ended, also if that was before this call.</summary>
    public void Watch(string id, string bundle, Action<ContainerExit> exited)
    {
        watched[id] = new Watched(bundle, exited);
        Check(id);
    }

    public void Unwatch(string id) => watched.TryRemove(id, out _);

    /// <summary>The exit file was taken into account and noted elsewhere.</summary>
    public void Forget(string id)
    {
        Unwatch(id);
        File.Delete($"{layout.Exits}/{id}");
    }

    private void CheckAll()
    {
        foreach (var id in watched.Keys) Check(id);
    }

    private void Check(string? id)
    {
        if (id is null || !watched.TryGetValue(id, out var entry) || ReadExit(id, entry.Bundle) is not { } exit) return;
        if (watched.TryRemove(id, out _)) entry.Exited(exit);
    }

    private ContainerExit? ReadExit(string id, string bundle)
    {
        var file = $"{layout.Exits}/{id}";
        if (File.Exists(file) && int.TryParse(File.ReadAllText(file), NumberStyles.Integer, CultureInfo.InvariantCulture, out var code))
            return new ContainerExit(code, File.GetLastWriteTimeUtc(file), File.Exists($"{bundle}/oom"));
        var minded = ReadPid($"{bundle}/conmon.pid") is { } conmon && IsProcess(conmon, "conmon");
        var running = ReadPid($"{bundle}/pid") is { } pid && Native.ProcessExists(pid) && !IsZombie(pid);
        // conmon first sees the end, then writes the file: only when it is gone too will no file come.
        return minded || running ? null : File.Exists(file) ? null : new ContainerExit(UnknownExitCode, time.GetUtcNow(), false);
    }

    public static int? ReadPid(string file) =>
        File.Exists(file) && int.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;

    public static bool IsProcess(int pid, string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").Trim() == name && !IsZombie(pid);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsZombie(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    private async Task RuncAsync(string[] arguments, CancellationToken ct)
    {
        var result = await Command.RunAsync(Runc, ["--root", layout.RuncRoot, .. arguments], ct: ct);
        if (!result.Ok) throw new HostException(Plain(result.Explanation));
    }

    private static bool Gone(string message) =>
        message.Contains("does not exist", StringComparison.Ordinal) || message.Contains("process already finished", StringComparison.Ordinal)
        || message.Contains("container not running", StringComparison.Ordinal) || message.Contains("no such process", StringComparison.Ordinal);

    /// <summary>runc's last log line without its prefix of time and level.</summary>
    private static string Plain(string message)
    {
        var line = message.Trim().Split('\n')[^1];
        var start = line.IndexOf("msg=\"", StringComparison.Ordinal);
        return start < 0 ? line : line[(start + 5)..].TrimEnd('"').Replace("\\\"", "\"", StringComparison.Ordinal);
    }
}
