using System.Diagnostics;
using Troupe.Launcher.Libvirt;

namespace Troupe.Launcher.Daemon;

/// <summary>The launcher's own libvirt daemon: started, and started again when it dies; QEMU runs on meanwhile.</summary>
internal sealed class LibvirtDaemon(LibvirtDaemonOptions options, Action<string> log) : IAsyncDisposable
{
    private static readonly string[] Candidates = ["/usr/sbin/virtqemud", "/usr/sbin/libvirtd"];
    private static readonly TimeSpan RestartDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRestartDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(20);
    private readonly CancellationTokenSource _stop = new();
    private Task _supervisor = Task.CompletedTask;

    /// <summary>Called when it has died, before it is started again.</summary>
    public Action Died { get; set; } = () => { };

    public void Start()
    {
        DaemonConfiguration.Write(options);
        _supervisor = SuperviseAsync();
    }

    /// <summary>The socket exists before the driver is ready: only an answered call proves that the daemon is.</summary>
    public async Task<LibvirtConnection> ConnectAsync(ILibvirtObserver observer, CancellationToken ct)
    {
        while (true)
        {
            if (File.Exists($"{options.Run}/libvirt-sock"))
            {
                try
                {
                    var connection = new LibvirtConnection(options.Uri, observer);
                    _ = connection.HypervisorVersion;
                    return connection;
                }
                catch (LibvirtException)
                {
                    // Not yet: the next look is a moment away.
                }
            }

            await Task.Delay(ProbeInterval, ct).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _supervisor.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task SuperviseAsync()
    {
        var program = Candidates.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException($"no libvirt daemon: none of {string.Join(", ", Candidates)} exists");
        var delay = RestartDelay;
        while (!_stop.IsCancellationRequested)
        {
            var start = new ProcessStartInfo(program, ["-f", $"{options.Config}/libvirtd.conf", "-p", $"{options.Run}/launcher-libvirtd.pid"]) { UseShellExecute = false };
            start.Environment["LIBVIRT_DRIVER_DIR"] = options.Drivers;
            using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
            try
            {
                await process.WaitForExitAsync(_stop.Token).ConfigureAwait(false);
                Died();
                log($"{program} ended with code {process.ExitCode}; starting it again");
                await Task.Delay(delay, _stop.Token).ConfigureAwait(false);
                delay = delay * 2 < LongestRestartDelay ? delay * 2 : LongestRestartDelay;
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
