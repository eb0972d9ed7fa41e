using System.Diagnostics;
using Troupe.Tests.Shared;

namespace Troupe.Stress.Migration;

/// <summary>A real control plane, as a process that can be killed and started again on what it has kept.</summary>
public sealed class ControlPlaneProcess(string kubeconfig, string state, string log) : IAsyncDisposable
{
    private readonly int _remoting = Ports.Free();
    private readonly int _api = Ports.Free();
    private Process? _process;
    private TimeSpan _cpuBefore;
    private long _peakBefore;

    /// <summary>Where agents find it.</summary>
    public string ContactPoint => $"127.0.0.1:{_remoting}";

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Of all its lives.</summary>
    public TimeSpan Cpu => _cpuBefore + (Living()?.TotalProcessorTime ?? default);

    /// <summary>The most memory (resident set) that it ever took.</summary>
    public long PeakBytes => Math.Max(_peakBefore, Living()?.PeakWorkingSet64 ?? 0);

    public void Start()
    {
        // The shell only redirects: exec keeps the pid, so that a kill hits the program itself.
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$0\" \"$@\" >>'{log}' 2>&1 </dev/null", Path.Combine(AppContext.BaseDirectory, "Troupe.ControlPlane"),
            "--kubeconfig", kubeconfig, "--state", state, "--akka-port", $"{_remoting}", "--api-port", $"{_api}", "--use-emulation", "true"])
        { UseShellExecute = false };
        // Neither Ctrl+C nor a kill of the stress may leave it.
        if (_process is null)
            AppDomain.CurrentDomain.ProcessExit += OnExit;
        _process = Process.Start(start) ?? throw new InvalidOperationException("the control plane did not start");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process is not { HasExited: false } process)
            return;
        (_cpuBefore, _peakBefore) = (Cpu, PeakBytes);
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        await KillAsync();
        _process?.Dispose();
    }

    private Process? Living()
    {
        if (_process is not { HasExited: false } process)
            return null;
        process.Refresh();
        return process;
    }

    private void OnExit(object? sender, EventArgs e)
    {
        if (_process is { HasExited: false } process)
            process.Kill();
    }
}
