using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>
/// Which device Multus gave to which network of the guest: told to the pod by an annotation of its own, which launcher and side-cars read as a
/// file. Multus' own report has devices by their names in the pod, of which the guest's spec knows nothing.
/// </summary>
internal static class NetworkInfo
{
    public const string Annotation = "kubevirt.io/network-info";
    public const string Volume = "network-info-annotation";

    /// <summary>Null while there is nothing to tell.</summary>
    /// <param name="multusStatus">What Multus says of the pod.</param>
    public static string? Of(VirtualMachineInstance vmi, GuestSettings settings, string? multusStatus)
    {
        var wanted = (vmi.Spec?.Domain?.Devices?.Interfaces ?? []).Where(settings.NeedsDeviceInfo).Select(i => i.Name!).ToHashSet();
        if (wanted.Count == 0 || LauncherNetworks.Entries(multusStatus) is not { Count: > 0 } entries)
            return null;
        var devices = (vmi.Spec?.Networks ?? []).Where(n => wanted.Contains(n.Name!)).ToDictionary(n => n.Name!, n => n.Multus is { Default: not true } ? PodInterfaces.Secondary(n.Name!) : PodInterfaces.Primary);
        JsonArray interfaces = [.. devices.OrderBy(d => d.Key, StringComparer.Ordinal)
            .Select(d => (Network: d.Key, Entry: entries.FirstOrDefault(e => LauncherNetworks.Device(e) == d.Value))).Where(d => d.Entry is not null).Select(d => Interface(d.Network, d.Entry!))];
        return interfaces.Count == 0 ? null : new JsonObject { ["interfaces"] = interfaces }.ToJsonString();
    }

    private static JsonObject Interface(string network, JsonObject entry)
    {
        var told = new JsonObject { ["network"] = network };
        foreach (var (theirs, ours) in new[] { ("device-info", "deviceInfo"), ("mac", "mac"), ("mtu", "mtu") })
        {
            if (entry[theirs] is { } value)
                told[ours] = value.DeepClone();
        }

        return told;
    }
}
