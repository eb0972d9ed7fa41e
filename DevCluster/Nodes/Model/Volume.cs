namespace Troupe.DevCluster.Nodes.Model;

public sealed record Volume
{
    public string Name { get; init; } = "";
    public EmptyDirVolume? EmptyDir { get; init; }
    public HostPathVolume? HostPath { get; init; }
    public ConfigMapVolume? ConfigMap { get; init; }
    public SecretVolume? Secret { get; init; }
    public DownwardApiVolume? DownwardAPI { get; init; }
    public ProjectedVolume? Projected { get; init; }
    public ImageVolume? Image { get; init; }
    public ClaimVolume? PersistentVolumeClaim { get; init; }
    public EphemeralVolume? Ephemeral { get; init; }

    /// <summary>The claim that the volume stands for; that of an ephemeral volume is named after the pod.</summary>
    public string? ClaimName(string pod) => PersistentVolumeClaim?.ClaimName ?? (Ephemeral is null ? null : $"{pod}-{Name}");
}

public sealed record ClaimVolume
{
    public string ClaimName { get; init; } = "";
    public bool ReadOnly { get; init; }
}

/// <summary>A claim that is made with the pod and goes with it.</summary>
public sealed record EphemeralVolume
{
    public System.Text.Json.Nodes.JsonObject? VolumeClaimTemplate { get; init; }
}

public sealed record EmptyDirVolume
{
    public string Medium { get; init; } = "";
    public Quantity? SizeLimit { get; init; }
}

public sealed record HostPathVolume
{
    public string Path { get; init; } = "";
    public string Type { get; init; } = "";
}

public sealed record ImageVolume
{
    public string Reference { get; init; } = "";
    public string PullPolicy { get; init; } = "";
}

public sealed record KeyToPath
{
    public string Key { get; init; } = "";
    public string Path { get; init; } = "";
    public int? Mode { get; init; }
}

public sealed record ConfigMapVolume
{
    public string Name { get; init; } = "";
    public List<KeyToPath> Items { get; init; } = [];
    public int? DefaultMode { get; init; }
    public bool Optional { get; init; }
}

public sealed record SecretVolume
{
    public string SecretName { get; init; } = "";
    public List<KeyToPath> Items { get; init; } = [];
    public int? DefaultMode { get; init; }
    public bool Optional { get; init; }
}

public sealed record DownwardApiFile
{
    public string Path { get; init; } = "";
    public int? Mode { get; init; }
    public ObjectFieldSelector? FieldRef { get; init; }
    public ResourceFieldSelector? ResourceFieldRef { get; init; }
}

public sealed record DownwardApiVolume
{
    public List<DownwardApiFile> Items { get; init; } = [];
    public int? DefaultMode { get; init; }
}

public sealed record ProjectedVolume
{
    public List<VolumeProjection> Sources { get; init; } = [];
    public int? DefaultMode { get; init; }
}

public sealed record VolumeProjection
{
    public ConfigMapVolume? ConfigMap { get; init; }
    public ProjectedSecret? Secret { get; init; }
    public DownwardApiVolume? DownwardAPI { get; init; }
    public ServiceAccountTokenProjection? ServiceAccountToken { get; init; }
}

/// <summary>A projected secret is named by `name`, unlike the `secretName` of a secret volume.</summary>
public sealed record ProjectedSecret
{
    public string Name { get; init; } = "";
    public List<KeyToPath> Items { get; init; } = [];
    public bool Optional { get; init; }
}

public sealed record ServiceAccountTokenProjection
{
    public string Audience { get; init; } = "";
    public long ExpirationSeconds { get; init; } = 3600;
    public string Path { get; init; } = "";
}
