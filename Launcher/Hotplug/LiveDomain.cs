using System.Globalization;
using System.Xml.Linq;
using Troupe.Launcher.HostDevices;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Hotplug;

/// <summary>What a running domain has, read from libvirt's XML of it.</summary>
internal static class LiveDomain
{
    private const string UserAlias = "ua-";
    private const string FunctionAlias = UserAlias + AssignedDevice.FunctionAlias;

    public static string? AliasOf(XElement device) => device.Element("alias")?.Attribute("name")?.Value;

    /// <summary>Devices of the kind that the spec named; libvirt's own have other aliases.</summary>
    public static IReadOnlyDictionary<string, XElement> Devices(XElement domain, string kind) => domain.Element("devices")!.Elements(kind)
        .Where(d => AliasOf(d)?.StartsWith(UserAlias, StringComparison.Ordinal) is true).ToDictionary(d => AliasOf(d)!, StringComparer.Ordinal);

    /// <summary>Network functions of the host (SR-IOV) by their aliases.</summary>
    public static IReadOnlyDictionary<string, XElement> Functions(XElement domain) => Devices(domain, "hostdev").Where(d => d.Key.StartsWith(FunctionAlias, StringComparison.Ordinal)).ToDictionary();

    /// <summary>The interface that a function is for.</summary>
    public static string InterfaceOf(string functionAlias) => functionAlias[FunctionAlias.Length..];

    public static XElement? MemoryDevice(XElement domain) => domain.Element("devices")!.Elements("memory").FirstOrDefault(d => d.Attribute("model")?.Value == "virtio-mem");

    /// <summary>Memory without what is, or could be, plugged in.</summary>
    public static long BootBytes(XElement domain) =>
        Bytes(domain.Element("memory")!) - domain.Element("devices")!.Elements("memory").Sum(d => Bytes(d.Element("target")!.Element("size")!));

    /// <summary>CPUs that the guest has now.</summary>
    public static int Vcpus(XElement domain) =>
        int.Parse(domain.Element("vcpu")!.Attribute("current")?.Value ?? domain.Element("vcpu")!.Value, CultureInfo.InvariantCulture);

    public static CpuObservation Cpus(XElement domain)
    {
        var topology = domain.Element("cpu")?.Element("topology");
        var (cores, threads) = (Number(topology, "cores"), Number(topology, "threads"));
        return new CpuObservation(Vcpus(domain) / (cores * threads), cores, threads);
    }

    /// <summary>Volumes that are attached; a drive with nothing in it is none.</summary>
    public static IReadOnlyList<VolumeObservation> Volumes(XElement domain, IReadOnlyDictionary<string, long?> sizes) =>
    [
        .. Devices(domain, "disk").Where(d => d.Value.Element("source")?.Attributes().Any(a => a.Name.LocalName is "file" or "dev") is true)
            .Select(d => (Name: d.Key[UserAlias.Length..], Disk: d.Value))
            .Select(d => new VolumeObservation(d.Name, d.Disk.Element("target")!.Attribute("dev")!.Value, SliceOf(d.Disk) ?? sizes.GetValueOrDefault(d.Name))),
    ];

    /// <summary>How much of a larger device the guest is given; null for all of it.</summary>
    private static long? SliceOf(XElement disk) =>
        long.TryParse(disk.Element("source")!.Element("slices")?.Element("slice")?.Attribute("size")?.Value, CultureInfo.InvariantCulture, out var size) ? size : null;

    /// <summary>Bytes that the plugged-in memory device gives the guest at present.</summary>
    public static long PluggedBytes(XElement domain) => MemoryDevice(domain)?.Element("target")?.Element("current") is { } current ? Bytes(current) : 0;

    /// <summary>libvirt writes KiB, whatever was asked for.</summary>
    public static long Bytes(XElement size) => long.Parse(size.Value, CultureInfo.InvariantCulture) * (size.Attribute("unit")?.Value switch { "KiB" or null => 1L << 10, "MiB" => 1L << 20, "GiB" => 1L << 30, _ => 1L });

    private static long Number(XElement? element, string name) => long.TryParse(element?.Attribute(name)?.Value, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : 1;
}
