using System.Diagnostics;
using System.Globalization;
using Troupe.EndToEnd.Harness;
using Troupe.Stress.Migration;

namespace Troupe.Stress.Real;

/// <summary>A launcher of the stress's own guests.</summary>
/// <param name="NetworkNamespace">Of its pod, as <c>/proc/PID/ns/net</c> names it.</param>
internal sealed record LauncherProcessFound(int ProcessId, string VmiUid, string NetworkNamespace);

/// <summary>What a plan of faults does to real processes and networks.</summary>
internal sealed class RealFaults(TroupeCluster cluster) : IAsyncDisposable
{
    private const int MigrationPort = 49152;
    private readonly string _table = $"troupe-stress-{Environment.ProcessId}";

    /// <summary>Faults that real guests are put to; full disks would be this machine's.</summary>
    public static IReadOnlyList<FaultKind> Kinds { get; } =
    [
        FaultKind.KillControlPlane, FaultKind.KillAgent, FaultKind.KillLauncher, FaultKind.KillQemu, FaultKind.KillDaemon, FaultKind.Isolate, FaultKind.SlowLink, FaultKind.Drain,
    ];

    /// <summary>Launchers of these VMIs, by process number.</summary>
    public static IReadOnlyList<LauncherProcessFound> Launchers(IReadOnlySet<string> vmiUids) =>
        [.. from process in Process.GetProcessesByName("virt-launcher")
            let uid = CommandLine(process.Id).SkipWhile(a => a != "--uid").Skip(1).FirstOrDefault()
            where uid is not null && vmiUids.Contains(uid)
            let network = NetworkOf(process.Id)
            where network is not null
            orderby process.Id
            select new LauncherProcessFound(process.Id, uid, network)];

    /// <summary>Processes of that name in the pod of a launcher.</summary>
    public static IReadOnlyList<int> Inside(LauncherProcessFound launcher, params string[] names) =>
        [.. names.SelectMany(Process.GetProcessesByName).Where(p => NetworkOf(p.Id) == launcher.NetworkNamespace).Select(p => p.Id)];

    public static void Kill(int pid)
    {
        try
        {
            Process.GetProcessById(pid).Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Drops every packet of migrations between the nodes, or all beyond this rate.</summary>
    /// <param name="kilobytesPerSecond">0: nothing gets through.</param>
    public async Task LimitAsync(int kilobytesPerSecond)
    {
        var what = kilobytesPerSecond == 0 ? "drop" : string.Create(CultureInfo.InvariantCulture, $"limit rate over {kilobytesPerSecond} kbytes/second burst 256 kbytes drop");
        await MendNetworkAsync();
        (await Shell.RunAsync("nft", ["-f", "-"], $$"""
            table inet {{_table}} {
              chain forward {
                type filter hook forward priority -10;
                tcp dport {{MigrationPort}} {{what}}
                {{(kilobytesPerSecond == 0 ? $"tcp sport {MigrationPort} drop" : "")}}
              }
            }
            """)).Require();
    }

    public Task MendNetworkAsync() => Shell.RunAsync("nft", ["delete", "table", "inet", _table]);

    public async Task KillAndStartAsync(Part part, TimeSpan after)
    {
        await cluster.KillAsync(part);
        await Task.Delay(after);
        cluster.Start(part);
    }

    public async ValueTask DisposeAsync() => await MendNetworkAsync();

    public static string? NetworkOf(int pid)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{pid}/ns/net", returnFinalTarget: false)?.Name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string[] CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
