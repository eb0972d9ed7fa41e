using System.Diagnostics;
using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Hosting;

namespace Troupe.NodeActors.Registration;

/// <summary>Asks libvirt, through the launcher's binary, what this host can run.</summary>
internal static class CapabilitiesReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <exception cref="IOException">The launcher could not say.</exception>
    public static async Task<NodeCapabilities> ReadAsync(NodeAgentOptions options, CancellationToken ct)
    {
        // Probing QEMU takes seconds; its answer changes only with the programs themselves.
        var cache = Path.Combine(options.State, $"capabilities-{Fingerprint(options)}.json");
        if (File.Exists(cache))
            return Parse(await File.ReadAllTextAsync(cache, ct).ConfigureAwait(false));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Patience);
        var start = new ProcessStartInfo(options.Launcher, ["--print-capabilities"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start) ?? throw new IOException($"{options.Launcher} did not start");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            if (process.ExitCode != 0)
                throw new IOException($"{options.Launcher} --print-capabilities: {(await error.ConfigureAwait(false)).Trim()}");
            var json = await output.ConfigureAwait(false);
            var capabilities = Parse(json);
            Directory.CreateDirectory(options.State);
            await File.WriteAllTextAsync(cache, json, ct).ConfigureAwait(false);
            return capabilities;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new IOException($"{options.Launcher} --print-capabilities took more than {Patience.TotalSeconds} s");
        }
    }

    private static NodeCapabilities Parse(string json) =>
        JsonSerializer.Deserialize(json, LauncherJson.Default.NodeCapabilities) ?? throw new IOException("the launcher printed no capabilities");

    private static string Fingerprint(NodeAgentOptions options) => string.Join('-', new[] { options.Launcher, "/usr/bin/qemu-system-x86_64", "/usr/sbin/libvirtd" }
        .Select(p => (File.Exists(p) ? File.GetLastWriteTimeUtc(p).Ticks : 0).ToString("x")));
}
