using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Troupe.EndToEnd.Harness;

/// <summary>Another image of the same layers: a label makes it one of its own digest, as a new release would be.</summary>
public static class ImageVariant
{
    /// <param name="layout">OCI layout with one image.</param>
    /// <param name="made">Folder of the new layout.</param>
    /// <param name="name">With its tag.</param>
    public static void Make(string layout, string made, string name)
    {
        Directory.CreateDirectory(Path.Combine(made, "blobs/sha256"));
        var index = Read(Path.Combine(layout, "index.json"));
        var manifest = Read(Blob(layout, index["manifests"]![0]!));
        var config = Read(Blob(layout, manifest["config"]!));
        foreach (var layer in manifest["layers"]!.AsArray())
            File.CreateSymbolicLink(Blob(made, layer!), Path.GetFullPath(Blob(layout, layer!)));
        var labels = config["config"]!.AsObject();
        labels["Labels"] ??= new JsonObject();
        labels["Labels"]!["dev.troupe.test"] = name;
        Describe(manifest["config"]!, Write(made, config));
        Describe(index["manifests"]![0]!, Write(made, manifest));
        index["manifests"]![0]!["annotations"]!["org.opencontainers.image.ref.name"] = name;
        File.Copy(Path.Combine(layout, "oci-layout"), Path.Combine(made, "oci-layout"));
        File.WriteAllText(Path.Combine(made, "index.json"), index.ToJsonString());
    }

    private static JsonNode Read(string file) => JsonNode.Parse(File.ReadAllText(file))!;

    private static string Blob(string layout, JsonNode descriptor) => Path.Combine(layout, "blobs/sha256", ((string)descriptor["digest"]!)["sha256:".Length..]);

    private static byte[] Write(string layout, JsonNode content)
    {
        var bytes = Encoding.UTF8.GetBytes(content.ToJsonString());
        File.WriteAllBytes(Path.Combine(layout, "blobs/sha256", Convert.ToHexStringLower(SHA256.HashData(bytes))), bytes);
        return bytes;
    }

    private static void Describe(JsonNode descriptor, byte[] content) =>
        (descriptor["digest"], descriptor["size"]) = ($"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}", content.Length);
}
