namespace Troupe.DevCluster.Nodes.Model;

public sealed record Volume
{
    public string Name { get; set; } = "";
    public EmptyDirVolume? EmptyDir { get; set; }
    public HostPathVolume? HostPath { get; set; }
    public ConfigMapVolume? ConfigMap { get; set; }
    public SecretVolume? Secret { get; set; }
    public DownwardApiVolume? DownwardAPI { get; set; }
    public ProjectedVolume? Projected { get; set; }
    public ImageVolume? Image { get; set; }
    public ClaimVolume? PersistentVolumeClaim { get; set; }
    public EphemeralVolume? Ephemeral { get; set; }

    /// <summary>The claim that the volume stands for; that of an ephemeral volume is named after the pod.</summary>
    public string? ClaimName(string pod) => PersistentVolumeClaim?.ClaimName ?? (Ephemeral is null ? null : $"{pod}-{Name}");
}

public sealed record ClaimVolume
{
    public string ClaimName { get; set; } = "";
    public bool ReadOnly { get; set; }
}

/// <summary>A claim that is made with the pod and goes with it.</summary>
public sealed record EphemeralVolume
{
    public System.Text.Json.Nodes.JsonObject? VolumeClaimTemplate { get; set; }
}

public sealed record EmptyDirVolume
{
    public string Medium { get; set; } = "";
    public Quantity? SizeLimit { get; set; }
}

public sealed record HostPathVolume
{
    public string Path { get; set; } = "";
    public string Type { get; set; } = "";
}

public sealed record ImageVolume
{
    public string Reference { get; set; } = "";
    public string PullPolicy { get; set; } = "";
}

public sealed record KeyToPath
{
    public string Key { get; set; } = "";
    public string Path { get; set; } = "";
    public int? Mode { get; set; }
}

public sealed record ConfigMapVolume
{
    public string Name { get; set; } = "";
    public List<KeyToPath> Items { get; set; } = [];
    public int? DefaultMode { get; set; }
    public bool Optional { get; set; }
}

public sealed record SecretVolume
{
    public string SecretName { get; set; } = "";
    public List<KeyToPath> Items { get; set; } = [];
    public int? DefaultMode { get; set; }
    public bool Optional { get; set; }
}

public sealed record DownwardApiFile
{
    public string Path { get; set; } = "";
    public int? Mode { get; set; }
    public ObjectFieldSelector? FieldRef { get; set; }
    public ResourceFieldSelector? ResourceFieldRef { get; set; }
}

public sealed record DownwardApiVolume
{
    public List<DownwardApiFile> Items { get; set; } = [];
    public int? DefaultMode { get; set; }
}

public sealed record ProjectedVolume
{
    public List<VolumeProjection> Sources { get; set; } = [];
    public int? DefaultMode { get; set; }
}

public sealed record VolumeProjection
{
    public ConfigMapVolume? ConfigMap { get; set; }
    public ProjectedSecret? Secret { get; set; }
    public DownwardApiVolume? DownwardAPI { get; set; }
    public ServiceAccountTokenProjection? ServiceAccountToken { get; set; }
}

/// <summary>A projected secret is named by `name`, unlike the `secretName` of a secret volume.</summary>
public sealed record ProjectedSecret
{
    public string Name { get; set; } = "";
    public List<KeyToPath> Items { get; set; } = [];
    public bool Optional { get; set; }
}

public sealed record ServiceAccountTokenProjection
{
    public string Audience { get; set; } = "";
    public long ExpirationSeconds { get; set; } = 3600;
    public string Path { get; set; } = "";
}
