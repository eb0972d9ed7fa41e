using System.Diagnostics;

namespace Troupe.NodeActors.Networking;

/// <summary>Runs a command in the network namespace of a process, with this host's programs.</summary>
internal static class NamespaceCommand
{
    /// <exception cref="IOException">The command failed; the message holds what it said.</exception>
    public static async Task<string> RunAsync(int pid, IReadOnlyList<string> command, string? input, CancellationToken ct)
    {
        var start = new ProcessStartInfo("nsenter")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var arg in (IEnumerable<string>)["-t", $"{pid}", "-n", "--", .. command])
            start.ArgumentList.Add(arg);
        using var process = Process.Start(start) ?? throw new IOException("nsenter did not start");
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var error = process.StandardError.ReadToEndAsync(ct);
        if (input is not null)
            await process.StandardInput.WriteAsync(input.AsMemory(), ct).ConfigureAwait(false);
        process.StandardInput.Close();
        await process.WaitForExitAsync(ct).ConfigureAwait(false);
        return process.ExitCode == 0
            ? await output.ConfigureAwait(false)
            : throw new IOException($"{string.Join(' ', command)} in the pod's network namespace: {(await error.ConfigureAwait(false)).Trim()}");
    }
}
