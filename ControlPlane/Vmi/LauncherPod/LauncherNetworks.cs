using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The launcher pod's networks: what Multus attaches, what a service mesh must know, and the ports that the guest offers.</summary>
internal static class LauncherNetworks
{
    public const string Multus = "k8s.v1.cni.cncf.io/networks";
    public const string MultusStatus = "k8s.v1.cni.cncf.io/network-status";
    private const string MultusDefault = "v1.multus-cni.io/default-network";
    private const string MasqueradeBridge = "k6t-eth0";

    /// <summary>KubeVirt's name for it; there it is the node agent's pod that has it, here the two launchers themselves talk over it.</summary>
    private const string MigrationInterface = "migration0";

    public static IEnumerable<(string Key, string Value)> Annotations(VirtualMachineInstance vmi, LauncherPodOptions options)
    {
        var interfaces = vmi.Spec?.Domain?.Devices?.Interfaces ?? [];
        var networks = vmi.Spec?.Networks ?? [];
        List<JsonObject> attachments = [];
        foreach (var network in networks)
        {
            var nic = interfaces.FirstOrDefault(i => i.Name == network.Name);
            if (nic?.State is GuestNics.Absent)
                continue;
            if (network.Multus is { Default: not true })
                attachments.Add(Attachment(vmi, network, nic));
            if (options.Settings.Plugin(nic)?.NetworkAttachmentDefinition is { Length: > 0 } definition)
                attachments.Add(PluginAttachment(vmi, network, definition));
        }

        if (options.MigrationNetwork?.Split('/', 2) is [var ns, var name])
            attachments.Add(new JsonObject { ["name"] = name, ["namespace"] = ns, ["interface"] = MigrationInterface });
        if (attachments.Count > 0)
            yield return (Multus, new JsonArray([.. attachments]).ToJsonString());
        if (networks.FirstOrDefault(n => n.Multus is { Default: true }) is { } primary)
            yield return (MultusDefault, primary.Multus!.NetworkName!);
        // Traffic of a masqueraded guest comes from its bridge; a mesh that does not know would take it for foreign.
        if (interfaces.Any(i => i.Masquerade is not null))
        {
            yield return ("istio.io/reroute-virtual-interfaces", MasqueradeBridge);
            yield return ("traffic.sidecar.istio.io/kubevirtInterfaces", MasqueradeBridge);
        }
    }

    public static IReadOnlyList<ContainerPort>? Ports(VirtualMachineInstance vmi)
    {
        var ports = (vmi.Spec?.Domain?.Devices?.Interfaces ?? []).SelectMany(i => i.Ports ?? [])
            .Select(p => new ContainerPort { Name = p.Name is { Length: > 0 } name ? name : null, Number = p.PortValue, Protocol = p.Protocol is { Length: > 0 } protocol ? protocol : "TCP" }).ToList();
        return ports.Count == 0 ? null : ports;
    }

    /// <summary>
    /// The annotation of a pod that runs, brought after the networks of its guest: the rest of it (a migration network, what others have
    /// written) stays. Null when there is nothing to change, or when it is not ours to read.
    /// </summary>
    /// <param name="added">Networks that the guest is to get.</param>
    /// <param name="removed">Names of devices that it has let go of.</param>
    public static string? Followed(string? current, VirtualMachineInstance vmi, IReadOnlyCollection<Network> added, IReadOnlySet<string> removed)
    {
        if (Entries(current) is not { } entries)
            return null;
        var devices = entries.Select(Device).ToHashSet();
        List<JsonObject> wanted =
        [
            .. entries.Where(e => Device(e) is not { } device || !removed.Contains(device)).Select(e => (JsonObject)e.DeepClone()),
            .. added.Where(n => !devices.Contains(PodInterfaces.Secondary(n.Name!))).Select(n => Attachment(vmi, n, vmi.Spec?.Domain?.Devices?.Interfaces?.FirstOrDefault(i => i.Name == n.Name))),
        ];
        return wanted.Select(Device).SequenceEqual(entries.Select(Device)) ? null : new JsonArray([.. wanted]).ToJsonString();
    }

    /// <summary>Names of devices in the annotation, or in Multus' report of what a pod has.</summary>
    public static IReadOnlyList<string> Devices(string? annotation) => [.. (Entries(annotation) ?? []).Select(Device).OfType<string>()];

    /// <summary>`NAMESPACE/NAME` of the network that is behind a device, as Multus reports it; null when it does not.</summary>
    public static string? NetworkOf(string? status, string device) =>
        (Entries(status) ?? []).FirstOrDefault(e => Device(e) == device)?["name"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;

    /// <param name="definition">`NAMESPACE/NAME`, or the name alone in the VMI's own namespace.</param>
    public static (string Namespace, string Name) Located(VirtualMachineInstance vmi, string definition) =>
        definition.Split('/', 2) is [var ns, var name] ? (ns, name) : (vmi.Metadata.Namespace!, definition);

    /// <summary>Multus has a short form too, names with commas between, which no guest's pod ever gets from here.</summary>
    public static List<JsonObject>? Entries(string? annotation)
    {
        if (annotation is not { Length: > 0 })
            return [];
        try
        {
            return JsonNode.Parse(annotation) is JsonArray array ? [.. array.OfType<JsonObject>()] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static string? Device(JsonObject entry) => entry["interface"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;

    private static JsonObject Attachment(VirtualMachineInstance vmi, Network network, Interface? nic)
    {
        var attachment = Reference(vmi, network.Multus!.NetworkName!);
        if (nic?.MacAddress is { Length: > 0 } mac)
            attachment["mac"] = mac;
        attachment["interface"] = PodInterfaces.Secondary(network.Name!);
        return attachment;
    }

    /// <summary>The CNI of a binding plugin is told for which network it is called.</summary>
    private static JsonObject PluginAttachment(VirtualMachineInstance vmi, Network network, string definition)
    {
        var attachment = Reference(vmi, definition);
        attachment["cni-args"] = new JsonObject { ["logicNetworkName"] = network.Name };
        return attachment;
    }

    private static JsonObject Reference(VirtualMachineInstance vmi, string definition)
    {
        var (ns, name) = Located(vmi, definition);
        return new JsonObject { ["name"] = name, ["namespace"] = ns };
    }
}
