using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What Deployments, ReplicaSets, StatefulSets and DaemonSets have in common, and what one of them has.</summary>
public sealed record Workload
{
    public ObjectMeta Metadata { get; init; } = new();
    public WorkloadSpec Spec { get; init; } = new();
    public WorkloadStatus Status { get; init; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
}

public sealed record WorkloadSpec
{
    public int Replicas { get; init; } = 1;
    public LabelSelector Selector { get; init; } = new();
    public JsonObject Template { get; init; } = [];
    public int MinReadySeconds { get; init; }
    public int RevisionHistoryLimit { get; init; } = 10;
    public bool Paused { get; init; }
    public int ProgressDeadlineSeconds { get; init; } = 600;

    /// <summary>Of a Deployment.</summary>
    public UpdateStrategy Strategy { get; init; } = new();

    /// <summary>Of StatefulSets and DaemonSets.</summary>
    public UpdateStrategy UpdateStrategy { get; init; } = new();
    public string ServiceName { get; init; } = "";
    public string PodManagementPolicy { get; init; } = "OrderedReady";
    public List<JsonObject> VolumeClaimTemplates { get; init; } = [];
}

public sealed record UpdateStrategy
{
    public string Type { get; init; } = "RollingUpdate";
    public RollingUpdate RollingUpdate { get; init; } = new();
}

public sealed record RollingUpdate
{
    public IntOrString? MaxSurge { get; init; }
    public IntOrString? MaxUnavailable { get; init; }
    public int Partition { get; init; }
}

public sealed record WorkloadStatus
{
    public int Replicas { get; init; }
    public int ReadyReplicas { get; init; }
    public int AvailableReplicas { get; init; }
    public long ObservedGeneration { get; init; }
    public string CurrentRevision { get; init; } = "";
    public string UpdateRevision { get; init; } = "";
    public List<WorkloadCondition> Conditions { get; init; } = [];
}

public sealed record WorkloadCondition
{
    public string Type { get; init; } = "";
    public string Status { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public DateTimeOffset? LastUpdateTime { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
}
