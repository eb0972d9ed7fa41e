using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>How many I/O threads QEMU gets, and which disk is served by which.</summary>
/// <param name="Shared">Threads that disks without one of their own share, the first ones.</param>
/// <param name="ByDisk">virtio disks only: all on the SCSI bus are served by their controller's thread, others by the main loop.</param>
internal sealed record IoThreads(int Count, int Shared, IReadOnlyDictionary<string, int> ByDisk)
{
    public static bool IsPool(DomainSpec domain) => domain.IoThreadsPolicy is "supplementalPool";

    /// <summary>Null when the main loop does it all.</summary>
    public static IoThreads? Of(DomainSpec domain)
    {
        var disks = domain.Devices?.Disks ?? [];
        var policy = domain.IoThreadsPolicy is { Length: > 0 } set ? set : null;
        if (policy is null && disks.All(d => d.DedicatedIOThread is not true))
            return null;
        if (IsPool(domain))
            return Pool(domain, disks);
        var dedicated = disks.Count(d => d.DedicatedIOThread is true);
        var others = disks.Count - dedicated;
        var most = policy switch
        {
            null or "shared" => 1,
            "auto" => MostByCpus(domain),
            _ => throw new UnsupportedSpecException("spec.domain.ioThreadsPolicy", $"Invalid IOThreadsPolicy ({policy})", isInvalid: true),
        };
        var shared = others + dedicated > most ? Math.Max(1, most - dedicated) : others;
        Dictionary<string, int> byDisk = [];
        var (nextShared, nextOwn) = (0, shared);
        foreach (var disk in disks.Where(IsVirtio))
            byDisk[disk.Name!] = disk.DedicatedIOThread is true ? ++nextOwn : (nextShared++ % shared) + 1;
        return new IoThreads(shared + dedicated, shared, byDisk);
    }

    /// <summary>The thread of the SCSI controller, which has one when a disk on its bus asks for one: the next after those of the virtio disks.</summary>
    public static int? OfScsi(DomainSpec domain)
    {
        var disks = domain.Devices?.Disks ?? [];
        return !IsPool(domain) && Of(domain) is { Shared: > 0 } threads && disks.Any(d => d.DedicatedIOThread is true && DiskTargets.BusOf(d) == "scsi")
            ? (disks.Count(d => IsVirtio(d) && d.DedicatedIOThread is not true) % threads.Shared) + 1
            : null;
    }

    private static IoThreads Pool(DomainSpec domain, IReadOnlyList<Disk> disks)
    {
        var threads = (int)(domain.IoThreads?.SupplementalPoolThreadCount
            ?? throw new UnsupportedSpecException("spec.domain.ioThreads.supplementalPoolThreadCount", "must be set with ioThreadsPolicy supplementalPool", isInvalid: true));
        return new IoThreads(threads, 0, disks.Where(IsVirtio).Select((d, i) => (d.Name, Thread: (i % threads) + 1)).ToDictionary(d => d.Name!, d => d.Thread));
    }

    /// <summary>Two for each CPU that the guest asks of its node; with a CPU for QEMU's own threads alone, one thread is on that.</summary>
    private static int MostByCpus(DomainSpec domain)
    {
        if (domain.Cpu is { DedicatedCpuPlacement: true, IsolateEmulatorThread: true })
            return 1;
        var cpus = domain.Resources?.Requests?.TryGetValue("cpu", out var request) is true ? request.Units
            : domain.Resources?.Limits?.TryGetValue("cpu", out var limit) is true ? limit.Units : 1;
        return (int)cpus * 2;
    }

    private static bool IsVirtio(Disk disk) => DiskTargets.BusOf(disk) == "virtio";
}

internal static class IoThreadsXml
{
    public static XElement? Count(DomainSpec domain) => IoThreads.Of(domain) is { } threads ? new XElement("iothreads", threads.Count) : null;
}
