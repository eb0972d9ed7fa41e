using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Metrics;

/// <summary>Tells a guest that wants to know it (`downwardMetrics`) how much of its host it has used, by a disk or by a virtio-serial port.</summary>
internal sealed class GuestMetrics(DomainHost host, TimeProvider time, Action<string> log)
{
    private const double NanosecondsPerSecond = 1e9;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly HostMetrics _host = new();
    private byte[] _latest = Metric.Document([]);
    private int _started;

    public static string DiskOf(string volume) => Path.Combine(LauncherPaths.EphemeralDisks, "downward-metrics", volume, "vhostmd0");

    /// <summary>From when the domain is there until the launcher ends; a start that is tried again starts nothing anew.</summary>
    /// <param name="node">What the guest is told of where it is.</param>
    public void Start(VirtualMachineInstance vmi, string? node, CancellationToken ct)
    {
        var disk = vmi.Spec!.Volumes?.FirstOrDefault(v => v.DownwardMetrics is not null)?.Name is { } volume ? DiskOf(volume) : null;
        var hasPort = vmi.Spec.Domain?.Devices?.DownwardMetrics is not null;
        if (disk is null && !hasPort || Interlocked.Exchange(ref _started, 1) != 0)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(LauncherPaths.DownwardMetricsChannel)!);
        _ = RefreshAsync(disk, node ?? "", ct);
        if (hasPort)
            _ = new MetricsChannel(() => Volatile.Read(ref _latest), time).RunAsync(LauncherPaths.DownwardMetricsChannel, ct);
    }

    private async Task RefreshAsync(string? disk, string node, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            if (host.Observation.State is DomainState.NoDomain or DomainState.Shutoff or DomainState.Crashed)
                continue;
            try
            {
                var usage = await host.CallAsync(c => c.Usage(), ct).ConfigureAwait(false);
                Volatile.Write(ref _latest, Metric.Document(All(node, host.QemuVersion, usage, _host.Read(time.GetUtcNow()))));
                if (disk is not null)
                    VhostmdDisk.Write(disk, _latest);
            }
            catch (Exception e) when (e is LibvirtException or IOException or InvalidDataException or FormatException)
            {
                log($"downward metrics: {e.Message}");
            }
        }
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false));
    }

    public static IEnumerable<Metric> All(string node, string qemuVersion, DomainUsage usage, IEnumerable<Metric> ofHost) =>
    [
        Metric.OfHost("HostName", node), Metric.OfHost("HostSystemInfo", "linux"), Metric.OfHost("VirtualizationVendor", "kubevirt.io"), Metric.OfHost("VirtProductInfo", $"qemu-{qemuVersion}"),
        Metric.OfVm("TotalCPUTime", usage.CpuNanoseconds / NanosecondsPerSecond, "s"), Metric.OfVm("ResourceProcessorLimit", usage.OnlineCpus),
        Metric.OfVm("PhysicalMemoryAllocatedToVirtualSystem", (ulong)usage.MemoryKiB, "KiB"), Metric.OfVm("ResourceMemoryLimit", (ulong)usage.MemoryKiB, "KiB"),
        .. ofHost,
    ];
}
