using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>NVIDIA's Grace GPUs share an IOMMU with the CPU; to pass one through takes an arm64 guest on pinned CPUs and three gates.</summary>
internal static class GraceRules
{
    private const string Nvidia = "10DE";
    private const string MachineType = "virt";
    private const string RootComplex = "kubevirt.io/placePCIDevicesOnRootComplex";
    private const string NoPciHole64 = "kubevirt.io/disablePCIHole64";
    private static readonly HashSet<string> Gpus = ["2342", "2348", "2941"];

    public static IEnumerable<StatusCause> All(InstanceContext c)
    {
        var isOpen = c.IsEnabled(FeatureGates.GraceIOVirtualization);
        var requests = Requests(c).ToList();
        var grace = requests.Where(r => IsGrace(r.Selector)).ToList();
        if (grace.Count > 0 && !isOpen)
            return grace.Select(r => Cause.Invalid(r.Field, $"{FeatureGates.GraceIOVirtualization} feature gate must be enabled for NVIDIA Grace GPU passthrough resource {GoText.Quoted(r.Resource)}"));
        var vague = requests.Where(r => isOpen && Selector(r.Selector) is (Nvidia, "*"))
            .Select(r => Cause.Invalid(r.Field, $"GraceIOVirtualization requires an exact pciVendorSelector for NVIDIA PCI host device resource {GoText.Quoted(r.Resource)}"));
        return grace.Count > 0 ? [.. vague, .. Guest(c)] : vague;
    }

    /// <param name="field">Of the metadata.</param>
    public static IEnumerable<StatusCause> Annotations(FieldPath field, ObjectMeta? metadata, InstanceContext c)
    {
        if (metadata?.Annotations is not { } annotations || !Requests(c).Any(r => IsGrace(r.Selector)))
            yield break;
        if (annotations.GetValueOrDefault(RootComplex) == "true")
            yield return Cause.Invalid(new FieldPath($"{field["annotations"]}[{RootComplex}]"), "GraceIOVirtualization is not compatible with placing PCI devices on the root complex");
        if (annotations.GetValueOrDefault(NoPciHole64) == "true")
            yield return Cause.Invalid(new FieldPath($"{field["annotations"]}[{NoPciHole64}]"), "GraceIOVirtualization requires the 64-bit PCI hole");
    }

    private static IEnumerable<StatusCause> Guest(InstanceContext c)
    {
        if (c.Architecture != "arm64")
            yield return Cause.Invalid(c.Path["architecture"], "GraceIOVirtualization requires arm64 architecture");
        var machine = c.Domain.Machine?.Type is { Length: > 0 } own ? own : c.Config.MachineTypeOf(c.Architecture);
        if (!machine.StartsWith(MachineType, StringComparison.Ordinal))
            yield return Cause.Invalid(c.DomainPath.At("machine", "type"), $"GraceIOVirtualization requires \"{MachineType}\" machine type");
        if (c.Domain.Cpu?.DedicatedCpuPlacement is not true)
            yield return Cause.Required(c.DomainPath.At("cpu", "dedicatedCpuPlacement"), "GraceIOVirtualization requires dedicated CPU placement");
        foreach (var gate in new[] { FeatureGates.PCINUMAAwareTopology, FeatureGates.IOMMUFD }.Where(g => !c.IsEnabled(g)))
            yield return Cause.Invalid(c.DevicesPath, $"{gate} feature gate must be enabled when GraceIOVirtualization is used");
    }

    private static IEnumerable<(FieldPath Field, string Resource, string Selector)> Requests(InstanceContext c)
    {
        var gpus = (c.Devices.Gpus ?? []).Index().Select(g => (c.DevicesPath["gpus"][g.Index]["deviceName"], g.Item.DeviceName.OrEmpty()));
        var devices = (c.Devices.HostDevices ?? []).Index().Select(d => (c.DevicesPath["hostDevices"][d.Index]["deviceName"], d.Item.DeviceName.OrEmpty()));
        foreach (var (field, resource) in gpus.Concat(devices))
        {
            if (c.Config.PciSelectors.TryGetValue(resource, out var selector))
                yield return (field, resource, selector);
        }
    }

    private static bool IsGrace(string selector) => Selector(selector) is (Nvidia, var device) && Gpus.Contains(device);

    /// <summary>Vendor and device (`*`: any), four hexadecimal digits each; null when the selector is none.</summary>
    private static (string Vendor, string Device)? Selector(string text) =>
        text.Split(':').Select(Normal).ToArray() is [var vendor, var device] && IsId(vendor) && (device == "*" || IsId(device)) ? (vendor, device) : null;

    private static string Normal(string id) => id.Trim().ToUpperInvariant() is var upper && upper.StartsWith("0X", StringComparison.Ordinal) ? upper[2..] : upper;

    private static bool IsId(string id) => id.Length == 4 && id.All(char.IsAsciiHexDigit);
}
