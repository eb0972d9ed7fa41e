using System.Diagnostics;

namespace Troupe.Launcher.Disks;

internal static class Command
{
    /// <returns>What it printed.</returns>
    /// <exception cref="IOException">It failed; the message holds what it said.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> args, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new IOException($"{program} did not start");
        var error = process.StandardError.ReadToEndAsync(ct);
        var output = process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct).ConfigureAwait(false);
        return process.ExitCode == 0
            ? await output.ConfigureAwait(false)
            : throw new IOException($"{program}: {(await error.ConfigureAwait(false) + await output.ConfigureAwait(false)).Trim()}");
    }
}
