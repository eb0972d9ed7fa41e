using System.Globalization;

namespace Troupe.Launcher.Metrics;

/// <summary>What the kernel says of the node; it is the same in every container.</summary>
internal sealed class HostMetrics(string procFolder = "/proc", string cpuFolder = "/sys/devices/system/cpu")
{
    private const long TicksPerSecond = 100;
    private const ulong KiBPerPage = 4;

    public IEnumerable<Metric> Read(DateTimeOffset now) => [.. Cpus(), .. Memory(), .. Paging(), Metric.OfHost("Time", now.ToUnixTimeSeconds(), "s")];

    private IEnumerable<Metric> Cpus()
    {
        var packages = Directory.EnumerateDirectories(cpuFolder, "cpu*").Select(c => Path.Combine(c, "topology/physical_package_id")).Where(File.Exists).Select(File.ReadAllText).Distinct().Count();
        yield return Metric.OfHost("NumberOfPhysicalCPUs", packages);
        // cpu  USER NICE SYSTEM …, in ticks.
        var busy = Lines("stat").FirstOrDefault(l => l[0] == "cpu") is { Length: > 3 } cpu ? cpu[1..4].Sum(Number) : 0;
        yield return Metric.OfHost("TotalCPUTime", busy / (double)TicksPerSecond, "s");
    }

    private IEnumerable<Metric> Memory()
    {
        var info = Lines("meminfo").ToDictionary(l => l[0].TrimEnd(':'), l => Number(l[1]));
        long Of(string name) => info.GetValueOrDefault(name);
        var (free, total, cached) = (Of("MemFree"), Of("MemTotal"), Of("Buffers") + Of("Cached"));
        yield return Metric.OfHost("FreePhysicalMemory", (ulong)free, "KiB");
        yield return Metric.OfHost("FreeVirtualMemory", (ulong)(free + Of("SwapFree")), "KiB");
        yield return Metric.OfHost("MemoryAllocatedToVirtualServers", (ulong)(total - free - cached), "KiB");
        yield return Metric.OfHost("UsedVirtualMemory", (ulong)(total + Of("SwapTotal") - free - cached - Of("SwapCached")), "KiB");
    }

    private IEnumerable<Metric> Paging()
    {
        var counts = Lines("vmstat").Where(l => l[0] is "pswpin" or "pswpout").ToDictionary(l => l[0], l => (ulong)Number(l[1]));
        yield return Metric.OfHost("PagedInMemory", counts.GetValueOrDefault("pswpin") * KiBPerPage, "KiB");
        yield return Metric.OfHost("PagedOutMemory", counts.GetValueOrDefault("pswpout") * KiBPerPage, "KiB");
    }

    private IEnumerable<string[]> Lines(string file) =>
        File.ReadLines(Path.Combine(procFolder, file)).Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(l => l.Length > 1);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
