using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>The guest's NUMA cells: those of its dedicated CPUs, or one alone, without which libvirt plugs no memory in and takes no memfd.</summary>
internal static class NumaXml
{
    private const string Field = "spec.domain.cpu.numa.guestMappingPassthrough";

    public static XElement? Cells(DomainSource source)
    {
        var memory = MemoryXml.Bytes(source.Domain);
        var all = $"0-{source.Cpus.Most - 1}";
        if (!IsMapped(source))
        {
            return MemoryXml.MaxBytes(source.Domain) is not null ? new XElement("numa", Cell(0, all, memory, "b"))
                : MemoryXml.IsMemfd(source) ? new XElement("numa", Cell(0, all, memory / 1024, "KiB")) : null;
        }

        var nodes = Nodes(source);
        var page = MemoryXml.PageBytes(source) ?? throw new UnsupportedSpecException(Field, "passing through a numa topology is restricted to VMIs with hugepages enabled", isInvalid: true);
        if (memory % page != 0)
            throw new UnsupportedSpecException(Field, $"requested memory can't be divided through the numa page size: {memory} mod {page} != 0", isInvalid: true);
        if (memory < nodes.Count * page)
            throw new UnsupportedSpecException(Field, $"not enough memory requested to allocate at least one hugepage per numa node: {memory} < {nodes.Count * page}", isInvalid: true);
        // Each cell gets as many pages as the others; the first ones one more, where that does not come out even.
        var (each, more) = Math.DivRem(memory / page, nodes.Count);
        return new XElement("numa", nodes.Select((n, i) => Cell(i, string.Join(',', n.Vcpus), (each + (i < more ? 1 : 0)) * page, "b")));
    }

    public static XElement? NumaTune(DomainSource source)
    {
        if (!IsMapped(source))
            return null;
        var nodes = Nodes(source);
        return new XElement("numatune",
            new XElement("memory", new XAttribute("mode", "strict"), new XAttribute("nodeset", string.Join(',', nodes.Select(n => n.Node)))),
            nodes.Select((n, i) => new XElement("memnode", new XAttribute("cellid", i), new XAttribute("mode", "strict"), new XAttribute("nodeset", n.Node))));
    }

    public static bool IsMapped(DomainSource source) => source.Domain.Cpu?.Numa?.GuestMappingPassthrough is not null;

    public static IEnumerable<int> CellIds(DomainSource source) => Enumerable.Range(0, Nodes(source).Count);

    /// <summary>Nodes that vCPUs are pinned to, and which.</summary>
    private static List<(int Node, List<int> Vcpus)> Nodes(DomainSource source)
    {
        if (!source.HasDedicatedCpus)
            throw new UnsupportedSpecException(Field, "requires dedicatedCpuPlacement", isInvalid: true);
        var pins = CpuPins.Of(source).Vcpus;
        var nodes = source.Host.NumaNodes.OrderBy(n => n.Key)
            .Select(n => (n.Key, Enumerable.Range(0, pins.Count).Where(v => n.Value.Contains(pins[v])).ToList())).Where(n => n.Item2.Count > 0).ToList();
        return nodes.Count > 0 ? nodes : throw new UnsupportedSpecException(Field, "the node tells of no NUMA node with the pod's CPUs");
    }

    private static XElement Cell(int id, string cpus, long memory, string unit) => new("cell", new XAttribute("id", id), new XAttribute("cpus", cpus),
        new XAttribute("memory", memory.ToString(CultureInfo.InvariantCulture)), new XAttribute("unit", unit));
}
