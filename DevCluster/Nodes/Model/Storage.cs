namespace Troupe.DevCluster.Nodes.Model;

public sealed record PersistentVolumeClaim
{
    public ObjectMeta Metadata { get; init; } = new();
    public ClaimSpec Spec { get; init; } = new();
    public ClaimStatus Status { get; init; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
    public string Key => $"{Metadata.Namespace}/{Metadata.Name}";
    public Quantity Requested => Spec.Resources.Requests.GetValueOrDefault("storage");
    public bool IsBound => Metadata.Annotations.ContainsKey(StorageNames.BindCompleted);
    public string Class => Spec.StorageClassName ?? Metadata.Annotations.GetValueOrDefault("volume.beta.kubernetes.io/storage-class", "");
}

public sealed record ClaimSpec
{
    public List<string> AccessModes { get; init; } = [];
    public ContainerResources Resources { get; init; } = new();
    public string VolumeName { get; init; } = "";
    public string? StorageClassName { get; init; }
    public string VolumeMode { get; init; } = "Filesystem";
    public LabelSelector? Selector { get; init; }
}

public sealed record ClaimStatus
{
    public string Phase { get; init; } = "";
    public Dictionary<string, Quantity> Capacity { get; init; } = [];
    public List<PodCondition> Conditions { get; init; } = [];
}

public sealed record PersistentVolume
{
    public ObjectMeta Metadata { get; init; } = new();
    public PersistentVolumeSpec Spec { get; init; } = new();
    public PersistentVolumeStatus Status { get; init; } = new();

    public string Name => Metadata.Name;
    public Quantity Capacity => Spec.Capacity.GetValueOrDefault("storage");

    /// <summary>Bound to, or kept by its maker for, exactly this claim.</summary>
    public bool IsFor(PersistentVolumeClaim claim) =>
        Spec.ClaimRef is { } reference && reference.Name == claim.Name && reference.Namespace == claim.Namespace
        && (reference.Uid.Length == 0 || reference.Uid == claim.Metadata.Uid);
}

public sealed record PersistentVolumeSpec
{
    public Dictionary<string, Quantity> Capacity { get; init; } = [];
    public List<string> AccessModes { get; init; } = [];
    public ClaimReference? ClaimRef { get; init; }
    public string PersistentVolumeReclaimPolicy { get; init; } = "Retain";
    public string StorageClassName { get; init; } = "";
    public string VolumeMode { get; init; } = "Filesystem";
    public VolumeNodeAffinity? NodeAffinity { get; init; }
    public HostPathVolume? HostPath { get; init; }
    public LocalVolume? Local { get; init; }
    public CsiVolume? Csi { get; init; }
}

public sealed record ClaimReference
{
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    public string Uid { get; init; } = "";
}

public sealed record VolumeNodeAffinity
{
    public NodeSelector? Required { get; init; }
}

public sealed record LocalVolume
{
    public string Path { get; init; } = "";
}

public sealed record CsiVolume
{
    public string Driver { get; init; } = "";
    public string VolumeHandle { get; init; } = "";
    public bool ReadOnly { get; init; }
}

public sealed record PersistentVolumeStatus
{
    public string Phase { get; init; } = "";
}

public sealed record StorageClass
{
    public ObjectMeta Metadata { get; init; } = new();
    public string Provisioner { get; init; } = "";
    public string ReclaimPolicy { get; init; } = "Delete";
    public string VolumeBindingMode { get; init; } = "Immediate";
    public bool AllowVolumeExpansion { get; init; }

    public bool WaitsForConsumer => VolumeBindingMode == "WaitForFirstConsumer";
}

/// <summary>Annotations and finalizers by which Kubernetes' storage controllers talk to each other.</summary>
public static class StorageNames
{
    public const string BindCompleted = "pv.kubernetes.io/bind-completed";
    public const string BoundByController = "pv.kubernetes.io/bound-by-controller";
    public const string ProvisionedBy = "pv.kubernetes.io/provisioned-by";
    public const string SelectedNode = "volume.kubernetes.io/selected-node";
    public const string Provisioner = "volume.kubernetes.io/storage-provisioner";
    public const string ClaimProtection = "kubernetes.io/pvc-protection";
    public const string VolumeProtection = "kubernetes.io/pv-protection";

    /// <summary>DevCluster's own provisioner and CSI driver.</summary>
    public const string LocalDriver = "local.devcluster.troupe.dev";
}
