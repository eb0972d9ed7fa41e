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
        var hugepages = source.Domain.Memory?.Hugepages;
        if (hugepages?.PageSize is { Length: > 0 } size)
        {
            if (!Messages.Api.Meta.Quantity.TryParse(size, out var bytes) || bytes < 4096)
                throw new UnsupportedSpecException("spec.domain.memory.hugepages.pageSize", $"'{size}' is not a page size", isInvalid: true);
            backing.Add(new XElement("hugepages", new XElement("page", new XAttribute("size", (long)bytes), new XAttribute("unit", "b"))));
        }

        // With virtiofsd, or with a passt that libvirt starts.
        var shared = source.Devices.Filesystems is { Count: > 0 } || InterfaceXml.StartsPasst(source) && source.Devices.Interfaces?.Any(i => i.PasstBinding is not null) is true;
        if (source.Domain.Cpu?.Realtime is not null)
            backing.Add(new XElement("nosharepages"), new XElement("locked"));
        if ((hugepages is not null || shared) && source.Vmi.Metadata.Annotations?.GetValueOrDefault(MemfdAnnotation) is not "false")
            backing.Add(new XElement("source", new XAttribute("type", "memfd")));
        if (shared)
            backing.Add(new XElement("access", new XAttribute("mode", "shared")));
        return backing.HasElements ? backing : null;
    }

    /// <summary>Most the guest can have; null when it stays at what it starts with.</summary>
    public static long? MaxBytes(DomainSpec domain) => domain.Memory?.MaxGuest is { } max && max.Units > Bytes(domain) ? max.Units : null;

    public static long Bytes(DomainSpec domain) => (domain.Memory?.Guest ?? Of(domain.Resources?.Requests) ?? Of(domain.Resources?.Limits))?.Units
        ?? throw new UnsupportedSpecException("spec.domain.memory.guest", "is required", isInvalid: true);

    private static Messages.Api.Meta.Quantity? Of(IReadOnlyDictionary<string, Messages.Api.Meta.Quantity>? resources) =>
        resources?.TryGetValue("memory", out var memory) is true ? memory : null;
}
