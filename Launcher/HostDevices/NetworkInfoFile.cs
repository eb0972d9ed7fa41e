using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.HostDevices;

/// <summary>The pod's annotation `kubevirt.io/network-info` as a file: PCI addresses of the devices that Multus gave to the guest's networks.</summary>
internal static class NetworkInfoFile
{
    private const string Path = $"{LauncherPaths.PodInfo}/{LauncherPaths.NetworkInfoName}";

    /// <summary>Nothing while kubelet has not written it, and where Multus' CNI says nothing of devices.</summary>
    public static IReadOnlyDictionary<string, string> Read() => File.Exists(Path) ? Parse(File.ReadAllText(Path)) : Parse("");

    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        try
        {
            return text.Length == 0 || JsonNode.Parse(text) is not JsonObject info || info["interfaces"] is not JsonArray interfaces
                ? new Dictionary<string, string>()
                : interfaces.OfType<JsonObject>().Select(i => (Network: (string?)i["network"], Address: (string?)i["deviceInfo"]?["pci"]?["pci-address"]))
                    .Where(i => i is { Network.Length: > 0, Address.Length: > 0 }).ToDictionary(i => i.Network!, i => i.Address!);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{Path}: {e.Message}", e);
        }
    }
}
