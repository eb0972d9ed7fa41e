using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Disks.CloudInit;

/// <summary>Files of the NoCloud data source.</summary>
internal static class NoCloud
{
    public static IReadOnlyList<(string Path, byte[] Content)> Files(VirtualMachineInstance vmi, CloudInitSources data, IReadOnlyList<string> keys)
    {
        // JSON is YAML, and cloud-init reads it as such.
        var meta = new JsonObject { ["instance-id"] = DomainXml.UuidOf(vmi), ["local-hostname"] = CloudInitDisk.HostnameOf(vmi) };
        if (MetadataJson.InstanceType(vmi) is { } type)
            meta["instance-type"] = type;
        if (keys.Count > 0)
            meta["public-keys"] = MetadataJson.Keys(keys);
        List<(string, byte[])> files = [("meta-data", MetadataJson.Bytes(meta)), ("user-data", data.UserData)];
        if (data.NetworkData is { } network)
            files.Add(("network-config", network));
        return files;
    }
}

internal static class MetadataJson
{
    private const string InstanceTypeAnnotation = "kubevirt.io/instancetype-name";
    private const string ClusterInstanceTypeAnnotation = "kubevirt.io/cluster-instancetype-name";

    public static string? InstanceType(VirtualMachineInstance vmi) =>
        vmi.Metadata.Annotations?.GetValueOrDefault(InstanceTypeAnnotation) ?? vmi.Metadata.Annotations?.GetValueOrDefault(ClusterInstanceTypeAnnotation);

    /// <summary>By their number, as the metadata services of clouds give them.</summary>
    public static JsonObject Keys(IReadOnlyList<string> keys)
    {
        var map = new JsonObject();
        for (var i = 0; i < keys.Count; i++)
            map[$"{i}"] = keys[i];
        return map;
    }

    public static byte[] Bytes(JsonObject json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            json.WriteTo(writer);
        return stream.ToArray();
    }
}
