using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What Deployments, ReplicaSets, StatefulSets and DaemonSets have in common, and what one of them has.</summary>
public sealed record Workload
{
    public ObjectMeta Metadata { get; set; } = new();
    public WorkloadSpec Spec { get; set; } = new();
    public WorkloadStatus Status { get; set; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
}

public sealed record WorkloadSpec
{
    public int Replicas { get; set; } = 1;
    public LabelSelector Selector { get; set; } = new();
    public JsonObject Template { get; set; } = [];
    public int MinReadySeconds { get; set; }
    public int RevisionHistoryLimit { get; set; } = 10;
    public bool Paused { get; set; }
    public int ProgressDeadlineSeconds { get; set; } = 600;

    /// <summary>Of a Deployment.</summary>
    public UpdateStrategy Strategy { get; set; } = new();

    /// <summary>Of StatefulSets and DaemonSets.</summary>
    public UpdateStrategy UpdateStrategy { get; set; } = new();
    public string ServiceName { get; set; } = "";
    public string PodManagementPolicy { get; set; } = "OrderedReady";
    public List<JsonObject> VolumeClaimTemplates { get; set; } = [];
}

public sealed record UpdateStrategy
{
    public string Type { get; set; } = "RollingUpdate";
    public RollingUpdate RollingUpdate { get; set; } = new();
}

public sealed record RollingUpdate
{
    public IntOrString? MaxSurge { get; set; }
    public IntOrString? MaxUnavailable { get; set; }
    public int Partition { get; set; }
}

public sealed record WorkloadStatus
{
    public int Replicas { get; set; }
    public int ReadyReplicas { get; set; }
    public int AvailableReplicas { get; set; }
    public long ObservedGeneration { get; set; }
    public string CurrentRevision { get; set; } = "";
    public string UpdateRevision { get; set; } = "";
    public List<WorkloadCondition> Conditions { get; set; } = [];
}

public sealed record WorkloadCondition
{
    public string Type { get; set; } = "";
    public string Status { get; set; } = "";
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";
    public DateTimeOffset? LastUpdateTime { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
}
