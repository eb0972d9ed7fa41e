using System.Text.Json.Nodes;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Disks.CloudInit;

/// <summary>Files of the ConfigDrive data source.</summary>
internal static class ConfigDrive
{
    private const string Folder = "openstack/latest";

    public static IReadOnlyList<(string Path, byte[] Content)> Files(VirtualMachineInstance vmi, CloudInitSources data, IReadOnlyList<string> keys)
    {
        var hostname = CloudInitDisk.HostnameOf(vmi);
        var meta = new JsonObject
        {
            ["instance_id"] = $"{vmi.Metadata.Name}.{vmi.Metadata.Namespace}",
            ["uuid"] = DomainXml.UuidOf(vmi),
            ["hostname"] = hostname,
            ["local_hostname"] = hostname,
        };
        if (MetadataJson.InstanceType(vmi) is { } type)
            meta["instance_type"] = type;
        if (keys.Count > 0)
            meta["public_keys"] = MetadataJson.Keys(keys);
        if (Devices(vmi.Spec?.Domain?.Devices) is { Count: > 0 } devices)
            meta["devices"] = devices;
        List<(string, byte[])> files = [($"{Folder}/meta_data.json", MetadataJson.Bytes(meta)), ($"{Folder}/user_data", data.UserData)];
        if (data.NetworkData is { } network)
            files.Add(($"{Folder}/network_data.json", network));
        return files;
    }

    /// <summary>Devices that the user tagged, by what the guest can tell them by.</summary>
    private static JsonArray Devices(Devices? devices)
    {
        var tagged = new JsonArray();
        foreach (var nic in devices?.Interfaces?.Where(n => n.Tag is { Length: > 0 }) ?? [])
            tagged.Add((JsonNode)Device("nic", "pci", ("mac", nic.MacAddress), nic.Tag!));
        foreach (var disk in devices?.Disks?.Where(d => d.Tag is { Length: > 0 }) ?? [])
            tagged.Add((JsonNode)Device("disk", DiskTargets.BusOf(disk), ("serial", disk.Serial), disk.Tag!));
        foreach (var (_, tag) in (devices?.Gpus ?? []).Select(g => (g.Name, g.Tag)).Concat((devices?.HostDevices ?? []).Select(d => (d.Name, d.Tag))).Where(d => d.Tag is { Length: > 0 }))
            tagged.Add((JsonNode)Device("hostdev", "pci", ("", null), tag!));
        return tagged;
    }

    private static JsonObject Device(string type, string bus, (string Name, string? Value) identity, string tag)
    {
        var device = new JsonObject { ["type"] = type, ["bus"] = bus };
        if (identity.Value is { Length: > 0 })
            device[identity.Name] = identity.Value;
        device["tags"] = new JsonArray(tag);
        return device;
    }
}
