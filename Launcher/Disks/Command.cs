using System.Diagnostics;

namespace Troupe.Launcher.Disks;

internal static class Command
{
    /// <exception cref="IOException">It failed; the message holds what it said.</exception>
    public static async Task RunAsync(string program, IReadOnlyList<string> args, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new IOException($"{program} did not start");
        var error = process.StandardError.ReadToEndAsync(ct);
        var output = process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct).ConfigureAwait(false);
        if (process.ExitCode != 0)
            throw new IOException($"{program}: {(await error.ConfigureAwait(false) + await output.ConfigureAwait(false)).Trim()}");
    }
}
