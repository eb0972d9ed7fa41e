namespace Troupe.DevCluster.Nodes.Model;

public sealed record PersistentVolumeClaim
{
    public ObjectMeta Metadata { get; set; } = new();
    public ClaimSpec Spec { get; set; } = new();
    public ClaimStatus Status { get; set; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
    public string Key => $"{Metadata.Namespace}/{Metadata.Name}";
    public Quantity Requested => Spec.Resources.Requests.GetValueOrDefault("storage");
    public bool IsBound => Metadata.Annotations.ContainsKey(StorageNames.BindCompleted);
    public string Class => Spec.StorageClassName ?? Metadata.Annotations.GetValueOrDefault("volume.beta.kubernetes.io/storage-class", "");
}

public sealed record ClaimSpec
{
    public List<string> AccessModes { get; set; } = [];
    public ContainerResources Resources { get; set; } = new();
    public string VolumeName { get; set; } = "";
    public string? StorageClassName { get; set; }
    public string VolumeMode { get; set; } = "Filesystem";
    public LabelSelector? Selector { get; set; }
}

public sealed record ClaimStatus
{
    public string Phase { get; set; } = "";
    public Dictionary<string, Quantity> Capacity { get; set; } = [];
    public List<PodCondition> Conditions { get; set; } = [];
}

public sealed record PersistentVolume
{
    public ObjectMeta Metadata { get; set; } = new();
    public PersistentVolumeSpec Spec { get; set; } = new();
    public PersistentVolumeStatus Status { get; set; } = new();

    public string Name => Metadata.Name;
    public Quantity Capacity => Spec.Capacity.GetValueOrDefault("storage");

    /// <summary>Bound to, or kept by its maker for, exactly this claim.</summary>
    public bool IsFor(PersistentVolumeClaim claim) =>
        Spec.ClaimRef is { } reference && reference.Name == claim.Name && reference.Namespace == claim.Namespace
        && (reference.Uid.Length == 0 || reference.Uid == claim.Metadata.Uid);
}

public sealed record PersistentVolumeSpec
{
    public Dictionary<string, Quantity> Capacity { get; set; } = [];
    public List<string> AccessModes { get; set; } = [];
    public ClaimReference? ClaimRef { get; set; }
    public string PersistentVolumeReclaimPolicy { get; set; } = "Retain";
    public string StorageClassName { get; set; } = "";
    public string VolumeMode { get; set; } = "Filesystem";
    public VolumeNodeAffinity? NodeAffinity { get; set; }
    public HostPathVolume? HostPath { get; set; }
    public LocalVolume? Local { get; set; }
    public CsiVolume? Csi { get; set; }
}

public sealed record ClaimReference
{
    public string Namespace { get; set; } = "";
    public string Name { get; set; } = "";
    public string Uid { get; set; } = "";
}

public sealed record VolumeNodeAffinity
{
    public NodeSelector? Required { get; set; }
}

public sealed record LocalVolume
{
    public string Path { get; set; } = "";
}

public sealed record CsiVolume
{
    public string Driver { get; set; } = "";
    public string VolumeHandle { get; set; } = "";
    public bool ReadOnly { get; set; }
}

public sealed record PersistentVolumeStatus
{
    public string Phase { get; set; } = "";
}

public sealed record StorageClass
{
    public ObjectMeta Metadata { get; set; } = new();
    public string Provisioner { get; set; } = "";
    public string ReclaimPolicy { get; set; } = "Delete";
    public string VolumeBindingMode { get; set; } = "Immediate";
    public bool AllowVolumeExpansion { get; set; }

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
