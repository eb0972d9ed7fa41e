using System.Diagnostics;
using System.Text;

namespace Troupe.EndToEnd.Harness;

public sealed record ShellResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">The command failed; the message holds what it printed.</exception>
    public string Require() => ExitCode == 0 ? Output : throw new InvalidOperationException($"exit code {ExitCode}: {Error}{Output}");
}

/// <summary>Runs programs as a user would, and always ends them.</summary>
public static class Shell
{
    public static async Task<ShellResult> RunAsync(string program, IEnumerable<string> args, string? input = null, TimeSpan? timeout = null)
    {
        using var process = Start(program, args, redirectInput: true);
        using var deadline = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(60));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return new ShellResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', args)} did not end in time");
        }
    }

    public static Process Start(string program, IEnumerable<string> args, bool redirectInput = false)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = redirectInput,
            StandardOutputEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
    }
}
