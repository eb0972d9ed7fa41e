using System.Diagnostics;
using System.Text;

namespace Troupe.EndToEnd.Harness;

/// <summary>A person at `./dev console`: reads until something appears, then types.</summary>
public sealed class ConsoleSession : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _seen = new();
    private readonly byte[] _buffer = new byte[8192];
    private int _consumed;

    public ConsoleSession(TroupeCluster cluster, string vmi)
        : this(Shell.Start(TroupeCluster.DevClusterBinary, ["console", "--kubeconfig", cluster.Kubeconfig, vmi], redirectInput: true))
    {
    }

    private ConsoleSession(Process process) => _process = process;

    /// <summary>KubeVirt's own client, when this machine has it.</summary>
    public static string? Virtctl { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, "virtctl")).FirstOrDefault(File.Exists);

    /// <summary>The same with `virtctl console`, which wants a terminal.</summary>
    public static ConsoleSession OfVirtctl(TroupeCluster cluster, string vmi) =>
        new(Shell.Start("script", ["-qec", $"{Virtctl} --kubeconfig {cluster.Kubeconfig} console {vmi}", "/dev/null"], redirectInput: true));

    /// <summary>Waits until the text appears after everything that was waited for before; returns what came up to it.</summary>
    /// <exception cref="TimeoutException">With all the console's output so far.</exception>
    public async Task<string> Expect(string text, TimeSpan? within = null)
    {
        using var deadline = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(60));
        while (true)
        {
            var all = _seen.ToString();
            var at = all.IndexOf(text, _consumed, StringComparison.Ordinal);
            if (at >= 0)
            {
                var before = all[_consumed..at];
                _consumed = at + text.Length;
                return before;
            }

            try
            {
                var read = await _process.StandardOutput.BaseStream.ReadAsync(_buffer, deadline.Token);
                if (read == 0)
                    throw new EndOfStreamException($"console closed before '{text}': {all}\n{await _process.StandardError.ReadToEndAsync()}");
                _seen.Append(Encoding.UTF8.GetString(_buffer, 0, read));
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"'{text}' did not appear on the console; it showed: {all}");
            }
        }
    }

    public async Task Send(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Runs a command in the guest's shell and returns what it printed.</summary>
    public async Task<string> Run(string command)
    {
        // The mark is split in what is typed, so that the echo of the command is not mistaken for its end.
        await Send($"{command}; echo DO''NE-$?\n");
        return await Expect("DONE-", TimeSpan.FromSeconds(60));
    }

    /// <summary>Presses Return until a login prompt comes, and logs in.</summary>
    public async Task LogIn(string user = "demo", string password = "demo", TimeSpan? within = null)
    {
        var deadline = DateTime.UtcNow + (within ?? TimeSpan.FromSeconds(120));
        while (true)
        {
            await Send("\n");
            try
            {
                await Expect("login: ", TimeSpan.FromSeconds(3));
                break;
            }
            catch (TimeoutException) when (DateTime.UtcNow < deadline)
            {
                // The guest still boots.
            }
        }

        await Send(user + "\n");
        await Expect("assword:");
        await Send(password + "\n");
        await Run("true");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
