using System.Xml.Linq;
using Troupe.Launcher.Converter;

namespace Troupe.Launcher.Hotplug;

/// <summary>What has to be done to a running domain so that it is what the spec says. Pure; the order is the order to do it in.</summary>
internal static class DomainDiff
{
    /// <summary>virtio-mem gives and takes memory in blocks of this many bytes, the size of a huge page.</summary>
    public const long MemoryBlock = 2 << 20;

    /// <param name="running">libvirt's XML of the domain.</param>
    /// <param name="wanted">What the converter makes of the spec now.</param>
    /// <param name="bootBytes">Memory with which the guest was started.</param>
    public static IReadOnlyList<DomainChange> Of(XElement running, XElement wanted, long bootBytes, long wantedBytes, long? maxBytes, int wantedVcpus)
    {
        List<DomainChange> changes = [];
        AddDisks(changes, running, wanted);
        AddInterfaces(changes, running, wanted);
        AddFunctions(changes, running, wanted);
        // Only upwards: a guest cannot be made to give a CPU back.
        if (wantedVcpus > LiveDomain.Vcpus(running))
            changes.Add(new DomainChange.SetVcpus(wantedVcpus));
        AddMemory(changes, running, bootBytes, wantedBytes, maxBytes);
        return changes;
    }

    private static void AddDisks(List<DomainChange> changes, XElement running, XElement wanted)
    {
        var (has, wants) = (LiveDomain.Devices(running, "disk"), LiveDomain.Devices(wanted, "disk"));
        var taken = running.Element("devices")!.Elements("disk").Select(d => d.Element("target")!.Attribute("dev")!.Value).ToHashSet(StringComparer.Ordinal);
        AddDetached(changes, has, wants);
        foreach (var (alias, disk) in wants)
        {
            if (!has.TryGetValue(alias, out var present))
                changes.Add(new DomainChange.Attach(WithFreeTarget(disk, taken)));
            else if (disk.Attribute("device")!.Value is "cdrom" && SourceOf(disk) != SourceOf(present))
                changes.Add(new DomainChange.Update(WithMedium(present, disk)));
        }
    }

    private static void AddInterfaces(List<DomainChange> changes, XElement running, XElement wanted)
    {
        var (has, wants) = (LiveDomain.Devices(running, "interface"), LiveDomain.Devices(wanted, "interface"));
        AddDetached(changes, has, wants);
        foreach (var (alias, nic) in wants)
        {
            if (!has.TryGetValue(alias, out var present))
                changes.Add(new DomainChange.Attach(nic));
            else if (LinkOf(nic) != LinkOf(present))
                changes.Add(new DomainChange.Update(WithLink(present, LinkOf(nic))));
        }
    }

    /// <summary>Of the host's devices only network functions come and go: the others are the guest's from its start.</summary>
    private static void AddFunctions(List<DomainChange> changes, XElement running, XElement wanted)
    {
        var (has, wants) = (LiveDomain.Functions(running), LiveDomain.Functions(wanted));
        AddDetached(changes, has, wants);
        changes.AddRange(wants.Where(w => !has.ContainsKey(w.Key)).Select(w => new DomainChange.Attach(w.Value)));
    }

    private static void AddDetached(List<DomainChange> changes, IReadOnlyDictionary<string, XElement> has, IReadOnlyDictionary<string, XElement> wants) =>
        changes.AddRange(has.Keys.Except(wants.Keys).Select(alias => new DomainChange.Detach(alias)));

    private static void AddMemory(List<DomainChange> changes, XElement running, long bootBytes, long wantedBytes, long? maxBytes)
    {
        var asked = Math.Max(0, wantedBytes - bootBytes) / MemoryBlock * MemoryBlock;
        if (LiveDomain.MemoryDevice(running) is { } device)
        {
            if (LiveDomain.Bytes(device.Element("target")!.Element("requested")!) == asked)
                return;
            var changed = new XElement(device);
            changed.Element("target")!.Element("requested")!.ReplaceWith(Size("requested", asked));
            changes.Add(new DomainChange.Update(changed));
        }
        else if (asked > 0 && maxBytes is { } max)
        {
            changes.Add(new DomainChange.Attach(new XElement("memory", new XAttribute("model", "virtio-mem"),
                new XElement("target", Size("size", (max - bootBytes) / MemoryBlock * MemoryBlock), new XElement("node", 0), Size("block", MemoryBlock), Size("requested", asked)),
                new XElement("alias", new XAttribute("name", "ua-virtiomem")))));
        }
    }

    private static XElement Size(string name, long bytes) => new(name, new XAttribute("unit", "b"), bytes);

    private static string? SourceOf(XElement disk) => disk.Element("source") is { } source ? source.Attribute("file")?.Value ?? source.Attribute("dev")?.Value : null;

    internal static string LinkOf(XElement nic) => nic.Element("link")?.Attribute("state")?.Value ?? "up";

    /// <summary>The spec counts its disks from the first; one that was removed in between leaves names that are still in use.</summary>
    private static XElement WithFreeTarget(XElement disk, HashSet<string> taken)
    {
        var copy = new XElement(disk);
        var target = copy.Element("target")!.Attribute("dev")!;
        for (var i = 0; !taken.Add(target.Value); i++)
            target.Value = target.Value[..2] + DiskTargets.Letters(i);
        // Its place on the SCSI bus follows its name.
        if (copy.Element("address") is { } address && address.Attribute("type")?.Value is "drive")
            address.SetAttributeValue("unit", DiskTargets.IndexOf(target.Value));
        return copy;
    }

    private static XElement WithMedium(XElement present, XElement wanted)
    {
        var copy = new XElement(present);
        copy.Element("source")?.Remove();
        copy.Element("backingStore")?.Remove();
        copy.SetAttributeValue("type", wanted.Attribute("type")!.Value);
        if (wanted.Element("source") is { } source)
            copy.Element("target")!.AddBeforeSelf(new XElement(source));
        return copy;
    }

    internal static XElement WithLink(XElement present, string state)
    {
        var copy = new XElement(present);
        copy.Element("link")?.Remove();
        copy.Add(new XElement("link", new XAttribute("state", state)));
        return copy;
    }
}
