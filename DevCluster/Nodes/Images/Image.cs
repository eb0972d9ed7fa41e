using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Images;

/// <summary>An unpacked image: its digest, where its read-only root lies, and what its config says.</summary>
public sealed record Image(string Reference, string Digest, string RootDirectory, ImageConfig Config)
{
    /// <summary>Label of an image that borrows directories from the host: a comma list of absolute paths laid under the image's own.</summary>
    public const string HostPathsLabel = "dev.troupe.host-paths";

    public IReadOnlyList<string> HostPaths =>
        Config.Labels.TryGetValue(HostPathsLabel, out var list) ? list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
}

/// <summary>The `config` object of an OCI image configuration.</summary>
public sealed record ImageConfig
{
    [JsonPropertyName("User")] public string User { get; set; } = "";
    [JsonPropertyName("Env")] public List<string> Env { get; set; } = [];
    [JsonPropertyName("Entrypoint")] public List<string> Entrypoint { get; set; } = [];
    [JsonPropertyName("Cmd")] public List<string> Cmd { get; set; } = [];
    [JsonPropertyName("WorkingDir")] public string WorkingDir { get; set; } = "";
    [JsonPropertyName("Labels")] public Dictionary<string, string> Labels { get; set; } = [];
    [JsonPropertyName("StopSignal")] public string StopSignal { get; set; } = "";
}

/// <summary>An image cannot be had; <see cref="Reason"/> is the kubelet's waiting reason.</summary>
public sealed class ImageException(string reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public const string ErrImagePull = "ErrImagePull";
    public const string InvalidName = "InvalidImageName";
    public const string NeverPull = "ErrImageNeverPull";

    public string Reason { get; } = reason;
}
