using System.Diagnostics;
using System.Text;

namespace Troupe.DevCluster.Nodes.Host;

public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public bool Ok => ExitCode == 0;
    public string Explanation => Error.Length > 0 ? Error.Trim() : Output.Trim();
}

/// <summary>A host tool did not do what it was asked; the message carries its own words.</summary>
public sealed class HostException(string message, Exception? inner = null) : Exception(message, inner);

public static class Command
{
    /// <summary>Runs a tool to its end. Cancellation kills it.</summary>
    public static async Task<CommandResult> RunAsync(string file, IReadOnlyList<string> arguments, string? input = null, CancellationToken ct = default)
    {
        using var process = Start(file, arguments, redirectInput: input is not null);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = process.StandardError.ReadToEndAsync(ct);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), ct);
                process.StandardInput.Close();
            }
            await process.WaitForExitAsync(ct);
            return new CommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Like <see cref="RunAsync"/>, but a non-zero exit is a <see cref="HostException"/>.</summary>
    public static async Task<string> RequireAsync(string file, IReadOnlyList<string> arguments, string? input = null, CancellationToken ct = default)
    {
        var result = await RunAsync(file, arguments, input, ct);
        return result.Ok ? result.Output : throw new HostException($"{file} {string.Join(' ', arguments)}: {result.Explanation} (exit code {result.ExitCode})");
    }

    public static Process Start(string file, IReadOnlyList<string> arguments, bool redirectInput = false)
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = redirectInput,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start) ?? throw new HostException($"{file} did not start");
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new HostException($"{file} cannot be run: {missing.Message}", missing);
        }
    }
}
