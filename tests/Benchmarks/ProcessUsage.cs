using System.Diagnostics;
using System.Globalization;

namespace Troupe.Benchmarks;

/// <summary>Memory and CPU of one process, from /proc.</summary>
/// <param name="RssMiB">Resident set, MiB.</param>
/// <param name="PssMiB">Proportional share, MiB: shared library pages divided among their users.</param>
/// <param name="CpuSeconds">User and system time since the process started.</param>
public sealed record ProcessUsage(double RssMiB, double PssMiB, double CpuSeconds)
{
    public static ProcessUsage Of(int pid)
    {
        using var process = Process.GetProcessById(pid);
        var rollup = File.ReadLines($"/proc/{pid}/smaps_rollup").ToList();
        return new ProcessUsage(KiB(rollup, "Rss:") / 1024, KiB(rollup, "Pss:") / 1024, process.TotalProcessorTime.TotalSeconds);
    }

    public static ProcessUsage operator +(ProcessUsage a, ProcessUsage b) => new(a.RssMiB + b.RssMiB, a.PssMiB + b.PssMiB, a.CpuSeconds + b.CpuSeconds);

    /// <summary>Sum over the processes of a name (as the kernel cuts it, 15 characters) that were not there before.</summary>
    public static (int Count, ProcessUsage Sum) OfAll(string name, IReadOnlySet<int> except)
    {
        var pids = Process.GetProcesses().Where(p => p.ProcessName == name && !except.Contains(p.Id)).Select(p => p.Id).ToList();
        return (pids.Count, pids.Select(Of).Aggregate(new ProcessUsage(0, 0, 0), (a, b) => a + b));
    }

    private static double KiB(IEnumerable<string> lines, string field) =>
        double.Parse(lines.First(l => l.StartsWith(field, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
