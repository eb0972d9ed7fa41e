using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>The guest's memory: how much, how much more it may get, and what it is made of.</summary>
internal static class MemoryXml
{
    /// <summary>Set to <c>false</c>, it keeps the guest's memory out of a memfd.</summary>
    private const string MemfdAnnotation = "kubevirt.io/memfd";

    public static XElement Memory(DomainSource source) => new("memory", new XAttribute("unit", "b"), Bytes(source.Domain));

    /// <summary>libvirt wants a slot for memory that is plugged in, whatever kind of device it is.</summary>
    public static XElement? MaxMemory(DomainSource source) => MaxBytes(source.Domain) is { } max
        ? new XElement("maxMemory", new XAttribute("unit", "b"), new XAttribute("slots", 1), max)
        : null;

    public static XElement? Backing(DomainSource source)
    {
        var backing = new XElement("memoryBacking");
        if (PageBytes(source) is { } page)
        {
            // The pages of a cell come from the node that the cell is on.
            IEnumerable<XAttribute?> cells = NumaXml.IsMapped(source) ? NumaXml.CellIds(source).Select(id => (XAttribute?)new XAttribute("nodeset", id)) : [null];
            backing.Add(new XElement("hugepages", cells.Select(c => new XElement("page", new XAttribute("size", page), new XAttribute("unit", "b"), c))));
        }

        if (source.Domain.Cpu?.Realtime is not null)
            backing.Add(new XElement("nosharepages"), new XElement("locked"));
        if (IsMemfd(source))
            backing.Add(new XElement("source", new XAttribute("type", "memfd")));
        if (IsShared(source))
            backing.Add(new XElement("access", new XAttribute("mode", "shared")));
        if (NumaXml.IsMapped(source))
            backing.Add(new XElement("allocation", new XAttribute("mode", "immediate")));
        return backing.HasElements ? backing : null;
    }

    /// <summary>Of a huge page; null for a guest in usual ones.</summary>
    public static long? PageBytes(DomainSource source)
    {
        if (source.Domain.Memory?.Hugepages?.PageSize is not { Length: > 0 } size)
            return null;
        return Messages.Api.Meta.Quantity.TryParse(size, out var bytes) && bytes >= 4096
            ? (long)bytes
            : throw new UnsupportedSpecException("spec.domain.memory.hugepages.pageSize", $"'{size}' is not a page size", isInvalid: true);
    }

    /// <summary>What shares the guest's memory takes it as a file, so there the annotation has nothing to say.</summary>
    public static bool IsMemfd(DomainSource source) => IsShared(source) || source.Domain.Memory?.Hugepages is not null && source.Annotation(MemfdAnnotation) is not "false";

    /// <summary>With virtiofsd, or with a passt that libvirt starts.</summary>
    private static bool IsShared(DomainSource source) =>
        source.Devices.Filesystems is { Count: > 0 } || InterfaceXml.StartsPasst(source) && source.Devices.Interfaces?.Any(i => i.PasstBinding is not null) is true;

    /// <summary>Most the guest can have; null when it stays at what it starts with.</summary>
    public static long? MaxBytes(DomainSpec domain) => domain.Memory?.MaxGuest is { } max && max.Units > Bytes(domain) ? max.Units : null;

    public static long Bytes(DomainSpec domain) => (domain.Memory?.Guest ?? Of(domain.Resources?.Requests) ?? Of(domain.Resources?.Limits))?.Units
        ?? throw new UnsupportedSpecException("spec.domain.memory.guest", "is required", isInvalid: true);

    private static Messages.Api.Meta.Quantity? Of(IReadOnlyDictionary<string, Messages.Api.Meta.Quantity>? resources) =>
        resources?.TryGetValue("memory", out var memory) is true ? memory : null;
}
