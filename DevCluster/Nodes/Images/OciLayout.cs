using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Images;

public sealed record Descriptor
{
    public string MediaType { get; set; } = "";
    public string Digest { get; set; } = "";
    public long Size { get; set; }
    public Dictionary<string, string> Annotations { get; set; } = [];
    public Platform? Platform { get; set; }
}

public sealed record Platform
{
    public string Architecture { get; set; } = "";
    public string Os { get; set; } = "";
}

/// <summary>An image index or a layout's index.json.</summary>
public sealed record ImageIndex
{
    public List<Descriptor> Manifests { get; set; } = [];
}

public sealed record ImageManifest
{
    public Descriptor Config { get; set; } = new();
    public List<Descriptor> Layers { get; set; } = [];
}

public sealed record ImageConfigFile
{
    [JsonPropertyName("config")] public ImageConfig Config { get; set; } = new();
}

/// <summary>Reads an OCI image layout directory.</summary>
public sealed record OciLayout(string Directory)
{
    public const string RefName = "org.opencontainers.image.ref.name";

    private static readonly string Architecture = RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>The directory itself if it is a layout, otherwise those of its children that are.</summary>
    public static IEnumerable<OciLayout> Below(string directory) =>
        !System.IO.Directory.Exists(directory) ? []
        : File.Exists($"{directory}/oci-layout") ? [new OciLayout(directory)]
        : System.IO.Directory.EnumerateDirectories(directory).Order(StringComparer.Ordinal)
            .Where(child => File.Exists($"{child}/oci-layout")).Select(child => new OciLayout(child));

    /// <summary>The manifest (of this machine's architecture) named by tag, by full reference or by digest; null if none is.</summary>
    public Descriptor? Find(ImageReference wanted)
    {
        foreach (var entry in Read<ImageIndex>($"{Directory}/index.json").Manifests)
        {
            var named = entry.Annotations.TryGetValue(RefName, out var name) && SameName(name, wanted);
            if (wanted.Digest is not null ? entry.Digest == wanted.Digest : named) return Resolve(entry);
        }
        return null;
    }

    /// <summary>The first manifest, whatever its name: for a layout that holds one image.</summary>
    public Descriptor First() => Resolve(Read<ImageIndex>($"{Directory}/index.json").Manifests[0]);

    public ImageManifest Manifest(Descriptor manifest) => Read<ImageManifest>(Blob(manifest.Digest));

    public ImageConfig Config(ImageManifest manifest) => Read<ImageConfigFile>(Blob(manifest.Config.Digest)).Config;

    public string Blob(string digest) => $"{Directory}/blobs/{digest.Replace(':', '/')}";

    private static bool SameName(string name, ImageReference wanted)
    {
        try
        {
            return ImageReference.Parse(name).Canonical == wanted.Canonical;
        }
        catch (ImageException)
        {
            return false; // a layout may carry any text as a ref name; what is not an image name cannot be asked for
        }
    }

    private Descriptor Resolve(Descriptor entry)
    {
        if (!entry.MediaType.Contains("index", StringComparison.Ordinal) && !entry.MediaType.Contains("manifest.list", StringComparison.Ordinal)) return entry;
        var choices = Read<ImageIndex>(Blob(entry.Digest)).Manifests;
        return choices.Find(choice => choice.Platform is { Os: "linux" } platform && platform.Architecture == Architecture)
            ?? throw new ImageException(ImageException.ErrImagePull, $"no match for platform linux/{Architecture} in {entry.Digest}: not found");
    }

    private static T Read<T>(string file) => JsonSerializer.Deserialize(File.ReadAllBytes(file), KubeJson.Model<T>())
        ?? throw new InvalidDataException($"{file} is empty");
}
