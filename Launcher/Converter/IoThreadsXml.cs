using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>How many I/O threads QEMU gets, and which disk is served by which.</summary>
/// <param name="Shared">Threads that disks without one of their own share, the first ones.</param>
internal sealed record IoThreads(int Count, int Shared, IReadOnlyDictionary<string, int> ByDisk)
{
    /// <summary>Null when the main loop does it all.</summary>
    public static IoThreads? Of(DomainSpec domain)
    {
        var disks = domain.Devices?.Disks ?? [];
        var policy = domain.IoThreadsPolicy is { Length: > 0 } set ? set : null;
        if (policy is null && disks.All(d => d.DedicatedIOThread is not true))
            return null;
        var dedicated = disks.Count(d => d.DedicatedIOThread is true);
        var others = disks.Count - dedicated;
        var most = policy switch
        {
            null or "shared" => 1,
            "auto" => (int)CpuTopology.Of(domain.Cpu).Count * 2,
            "supplementalPool" => (int)(domain.IoThreads?.SupplementalPoolThreadCount
                ?? throw new UnsupportedSpecException("spec.domain.ioThreads.supplementalPoolThreadCount", "must be set with ioThreadsPolicy supplementalPool", isInvalid: true)),
            _ => throw new UnsupportedSpecException("spec.domain.ioThreadsPolicy", $"Invalid IOThreadsPolicy ({policy})", isInvalid: true),
        };
        var shared = policy is "supplementalPool" ? most : others + dedicated > most ? Math.Max(1, most - dedicated) : others;
        Dictionary<string, int> byDisk = [];
        var (nextShared, nextOwn) = (0, shared);
        foreach (var disk in disks)
            byDisk[disk.Name!] = disk.DedicatedIOThread is true ? ++nextOwn : shared == 0 ? 1 : (nextShared++ % shared) + 1;
        return new IoThreads(shared + dedicated, shared, byDisk);
    }
}

internal static class IoThreadsXml
{
    public static XElement? Count(DomainSpec domain) => IoThreads.Of(domain) is { } threads ? new XElement("iothreads", threads.Count) : null;
}
