using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Passt;

/// <summary>
/// passt for a guest whose libvirt cannot start it. QEMU connects to a port of the pod's loopback, and that connection is handed to passt; it
/// ends when QEMU does. One that dies before is replaced on the same connection: the guest loses its sessions and keeps its network.
/// </summary>
internal sealed partial class PasstServer(string name, PasstPorts ports, Action<string> log) : IAsyncDisposable
{
    /// <summary>Beyond those that libvirt takes for migrations, and within the ephemeral ones, which are never handed on unless they are named.</summary>
    public const int Port = 49251;
    private const string LogFile = $"{LauncherPaths.Public}/passt.log";

    /// <summary>KubeVirt's user of QEMU. As root passt would not run.</summary>
    private const string User = "107:107";
    private static readonly TimeSpan RestartDelay = TimeSpan.FromMilliseconds(500);

    // fcntl.h
    private const int SetDescriptorFlags = 2;
    private const int SetStatusFlags = 4;
    private const int CloseOnExec = 1;
    private const int ReadWrite = 2;
    private readonly TcpListener _listener = new(IPAddress.Loopback, Port);
    private readonly CancellationTokenSource _stop = new();
    private Task _server = Task.CompletedTask;

    /// <exception cref="SocketException">Something else listens there.</exception>
    public void Start()
    {
        _listener.Start(1);
        var files = OpenFiles(File.ReadLines("/proc/self/limits"));
        if (ports.Cut(files) is { } last)
            log($"passt for {name}: only ports up to {last} are handed on to the guest, because the pod may open no more than {files} files");
        _server = ServeAsync(files);
    }

    /// <param name="connection">Descriptor of what QEMU has connected to.</param>
    internal static IReadOnlyList<string> Arguments(PasstPorts ports, int connection, long files) =>
    [
        "--foreground", "--fd", connection.ToString(CultureInfo.InvariantCulture), "--runas", User, "--log-file", LogFile, "--interface", PodInterfaces.Primary,
        // Else the pod's loopback, where the launcher's own things listen, would be the guest's gateway.
        "--no-map-gw", .. ports.Arguments(files),
    ];

    /// <summary>How many files this pod's processes may have open.</summary>
    internal static long OpenFiles(IEnumerable<string> limits)
    {
        const string Key = "Max open files";
        var hard = limits.First(l => l.StartsWith(Key, StringComparison.Ordinal))[Key.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.TryParse(hard, CultureInfo.InvariantCulture, out var files) ? files : long.MaxValue;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _server.ConfigureAwait(false);
        _listener.Dispose();
        _stop.Dispose();
    }

    /// <summary>A QEMU that did not start is followed by another.</summary>
    private async Task ServeAsync(long files)
    {
        try
        {
            while (true)
            {
                using var guest = await _listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
                guest.NoDelay = true;
                for (; IsOpen(guest); await Task.Delay(RestartDelay, _stop.Token).ConfigureAwait(false))
                    await RunAsync(guest, files).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // This launcher ends.
        }
    }

    private async Task RunAsync(Socket guest, long files)
    {
        using var process = Start(guest, files);
        try
        {
            await process.WaitForExitAsync(_stop.Token).ConfigureAwait(false);
            if (IsOpen(guest))
                log($"passt for {name} ended with code {process.ExitCode} ({LastWords()}); starting it again");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private Process Start(Socket guest, long files)
    {
        var descriptor = (int)guest.Handle;
        // passt waits for a guest that is slow to take its packets, which a descriptor that never blocks would not let it do.
        Check(Control(descriptor, SetStatusFlags, ReadWrite));
        Check(Control(descriptor, SetDescriptorFlags, 0));
        try
        {
            return Process.Start(new ProcessStartInfo("passt", Arguments(ports, descriptor, files)) { UseShellExecute = false }) ?? throw new InvalidOperationException("passt did not start");
        }
        finally
        {
            Check(Control(descriptor, SetDescriptorFlags, CloseOnExec));
        }
    }

    /// <summary>Readable without anything to read is what the end of a connection looks like.</summary>
    private static bool IsOpen(Socket guest) => !(guest.Poll(0, SelectMode.SelectRead) && guest.Available == 0);

    private static string LastWords()
    {
        try
        {
            return File.ReadLines(LogFile).LastOrDefault(l => l.Length > 0) ?? "it says nothing";
        }
        catch (IOException)
        {
            return "it says nothing";
        }
    }

    private static void Check(int result)
    {
        if (result < 0)
            throw new IOException($"fcntl: error {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command, int argument);
}
