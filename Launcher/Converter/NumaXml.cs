using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>The guest's NUMA cells: those of its dedicated CPUs, or one alone, without which libvirt plugs no memory in.</summary>
internal static class NumaXml
{
    private const string Field = "spec.domain.cpu.numa.guestMappingPassthrough";

    public static XElement? Cells(DomainSource source)
    {
        var memory = MemoryXml.Bytes(source.Domain);
        if (!IsMapped(source))
        {
            return MemoryXml.MaxBytes(source.Domain) is null
                ? null
                : new XElement("numa", Cell(0, source.Cpus.Most == 1 ? "0" : $"0-{source.Cpus.Most - 1}", memory));
        }

        var nodes = Nodes(source);
        // Each cell gets a share for its CPUs, in whole huge pages; what is left over goes to the first.
        var page = (long)(source.Domain.Memory?.Hugepages?.PageSize is { Length: > 0 } size && Messages.Api.Meta.Quantity.TryParse(size, out var bytes) ? bytes : 2 << 20);
        var shares = nodes.Select(n => memory * n.Vcpus.Count / source.Cpus.Count / page * page).ToList();
        shares[0] += memory - shares.Sum();
        return new XElement("numa", nodes.Select((n, i) => Cell(i, string.Join(',', n.Vcpus), shares[i])));
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

    private static bool IsMapped(DomainSource source) => source.Domain.Cpu?.Numa?.GuestMappingPassthrough is not null;

    private static List<(int Node, List<int> Vcpus)> Nodes(DomainSource source)
    {
        if (!source.HasDedicatedCpus)
            throw new UnsupportedSpecException(Field, "requires dedicatedCpuPlacement", isInvalid: true);
        var nodes = source.Host.NumaNodes.OrderBy(n => n.Key)
            .Select(n => (n.Key, Enumerable.Range(0, (int)source.Cpus.Count).Where(v => v < source.Host.Cpus.Count && n.Value.Contains(source.Host.Cpus[v])).ToList()))
            .Where(n => n.Item2.Count > 0).ToList();
        return nodes.Count > 0 ? nodes : throw new UnsupportedSpecException(Field, "the node tells of no NUMA node with the pod's CPUs");
    }

    private static XElement Cell(int id, string cpus, long bytes) => new("cell", new XAttribute("id", id), new XAttribute("cpus", cpus),
        new XAttribute("memory", bytes.ToString(CultureInfo.InvariantCulture)), new XAttribute("unit", "b"));
}
