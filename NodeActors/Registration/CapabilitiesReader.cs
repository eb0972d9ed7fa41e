using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Hosting;

namespace Troupe.NodeActors.Registration;

public interface ICapabilitiesReader
{
    /// <param name="hasKvm">Whether guests get KVM on this node.</param>
    /// <exception cref="IOException">Nobody could say; worth another try.</exception>
    Task<NodeCapabilities> ReadAsync(bool hasKvm, CancellationToken ct);
}

/// <summary>Asks libvirt, through the launcher's binary, what this host can run.</summary>
public sealed class CapabilitiesReader(NodeAgentOptions options) : ICapabilitiesReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public async Task<NodeCapabilities> ReadAsync(bool hasKvm, CancellationToken ct)
    {
        // Probing QEMU takes seconds; its answer changes only with the programs themselves.
        var cache = Path.Combine(options.State, $"capabilities-{(hasKvm ? "kvm" : "qemu")}-{Fingerprint()}.json");
        if (File.Exists(cache) && Parse(await File.ReadAllTextAsync(cache, ct).ConfigureAwait(false)) is { } known)
            return known;
        var json = await AskAsync(hasKvm ? "kvm" : "qemu", ct).ConfigureAwait(false);
        var capabilities = Parse(json) ?? throw new IOException($"{options.Launcher} --print-capabilities printed none");
        Directory.CreateDirectory(options.State);
        // Renamed when whole: an agent killed in between leaves no half of it.
        await File.WriteAllTextAsync(cache + ".new", json, ct).ConfigureAwait(false);
        File.Move(cache + ".new", cache, overwrite: true);
        return capabilities;
    }

    private async Task<string> AskAsync(string virtType, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Patience);
        using var process = Start(virtType);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            return process.ExitCode == 0
                ? await output.ConfigureAwait(false)
                : throw new IOException($"{options.Launcher} --print-capabilities: {(await error.ConfigureAwait(false)).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            throw new IOException($"{options.Launcher} --print-capabilities took more than {Patience.TotalSeconds} s");
        }
    }

    private Process Start(string virtType)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(options.Launcher, ["--print-capabilities", virtType]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{options.Launcher}: {e.Message}", e);
        }
    }

    private static NodeCapabilities? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, LauncherJson.Default.NodeCapabilities);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string Fingerprint() => string.Join('-', new[] { options.Launcher, "/usr/bin/qemu-system-x86_64", "/usr/sbin/libvirtd" }
        .Select(p => (File.Exists(p) ? File.GetLastWriteTimeUtc(p).Ticks : 0).ToString("x")));
}
