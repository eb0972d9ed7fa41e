using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Troupe.Conformance.Harness;

public sealed record KubectlResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">It failed; the message holds what it printed.</exception>
    public string Require() => ExitCode == 0 ? Output : throw new InvalidOperationException($"kubectl ended with {ExitCode}: {Error}{Output}");
}

/// <summary>The real kubectl, with a discovery cache of its own: kubectl caches by host and port, and ports come back.</summary>
public sealed partial class Kubectl(string kubeconfig, string cache)
{
    /// <param name="line">Without <c>kubectl</c>.</param>
    /// <param name="input">Its standard input.</param>
    /// <param name="editor">What <c>kubectl edit</c> calls with the name of a file.</param>
    public async Task<KubectlResult> RunAsync(string line, string? input = null, string? editor = null)
    {
        var start = new ProcessStartInfo("kubectl", [$"--kubeconfig={kubeconfig}", $"--cache-dir={cache}", .. Words(line)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (editor is not null)
            start.Environment["KUBE_EDITOR"] = editor;
        using var process = Process.Start(start)!;
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(patience.Token);
            return new KubectlResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"kubectl {line} did not end in a minute");
        }
    }

    /// <summary>As a shell would split them, with single quotes only.</summary>
    private static IEnumerable<string> Words(string line) => Word().Matches(line).Select(m => m.Value.Replace("'", "", StringComparison.Ordinal));

    [GeneratedRegex(@"(?:'[^']*'|[^\s'])+")]
    private static partial Regex Word();
}
