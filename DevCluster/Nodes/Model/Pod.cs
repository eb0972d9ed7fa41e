namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What the kubelet and the scheduler read of a Pod object.</summary>
public sealed record Pod
{
    public ObjectMeta Metadata { get; init; } = new();
    public PodSpec Spec { get; init; } = new();
    public PodStatus Status { get; init; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
    public string Uid => Metadata.Uid;
    public string Key => $"{Metadata.Namespace}/{Metadata.Name}";
    public bool IsReady => Status.Conditions.Exists(condition => condition is { Type: "Ready", Status: "True" });
    public bool IsFinished => Status.Phase is "Succeeded" or "Failed";
}

public sealed record PodSpec
{
    public string NodeName { get; init; } = "";
    public string SchedulerName { get; init; } = "";
    public List<Container> InitContainers { get; init; } = [];
    public List<Container> Containers { get; init; } = [];
    public List<Container> EphemeralContainers { get; init; } = [];

    /// <summary>All of them, of whatever sort.</summary>
    public IEnumerable<Container> AllContainers => Containers.Concat(InitContainers).Concat(EphemeralContainers);
    public List<Volume> Volumes { get; init; } = [];
    public string RestartPolicy { get; init; } = "Always";
    public long TerminationGracePeriodSeconds { get; init; } = 30;
    public long? ActiveDeadlineSeconds { get; init; }
    public bool HostNetwork { get; init; }
    public bool HostPID { get; init; }
    public string Hostname { get; init; } = "";
    public string Subdomain { get; init; } = "";
    public string DnsPolicy { get; init; } = "";
    public PodDnsConfig? DnsConfig { get; init; }
    public List<HostAlias> HostAliases { get; init; } = [];
    public PodSecurityContext SecurityContext { get; init; } = new();
    public string ServiceAccountName { get; init; } = "";
    public List<ReadinessGate> ReadinessGates { get; init; } = [];
    public List<NamedItem> SchedulingGates { get; init; } = [];
    public Dictionary<string, string> NodeSelector { get; init; } = [];
    public Affinity Affinity { get; init; } = new();
    public List<Toleration> Tolerations { get; init; } = [];
    public List<TopologySpreadConstraint> TopologySpreadConstraints { get; init; } = [];
    public int Priority { get; init; }
    public string PreemptionPolicy { get; init; } = "";
    public Dictionary<string, Quantity> Overhead { get; init; } = [];
}

public sealed record ReadinessGate
{
    public string ConditionType { get; init; } = "";
}

public sealed record NamedItem
{
    public string Name { get; init; } = "";
}

public sealed record HostAlias
{
    public string Ip { get; init; } = "";
    public List<string> Hostnames { get; init; } = [];
}

public sealed record PodDnsConfig
{
    public List<string> Nameservers { get; init; } = [];
    public List<string> Searches { get; init; } = [];
    public List<DnsOption> Options { get; init; } = [];
}

public sealed record DnsOption
{
    public string Name { get; init; } = "";
    public string? Value { get; init; }
}

public sealed record PodSecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public long? FsGroup { get; init; }
    public List<long> SupplementalGroups { get; init; } = [];
    public List<Sysctl> Sysctls { get; init; } = [];
}

public sealed record Sysctl
{
    public string Name { get; init; } = "";
    public string Value { get; init; } = "";
}

public sealed record PodStatus
{
    public string Phase { get; init; } = "";
    public string NominatedNodeName { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public string PodIP { get; init; } = "";
    public DateTimeOffset? StartTime { get; init; }
    public List<PodCondition> Conditions { get; init; } = [];
    public List<ContainerStatus> ContainerStatuses { get; init; } = [];
    public List<ContainerStatus> InitContainerStatuses { get; init; } = [];
}

public sealed record ContainerStatus
{
    public string Name { get; init; } = "";
    public string ContainerID { get; init; } = "";
    public bool Ready { get; init; }
    public bool Started { get; init; }
    public int RestartCount { get; init; }
    public ContainerStates State { get; init; } = new();
}

public sealed record ContainerStates
{
    public ContainerState? Waiting { get; init; }
    public ContainerState? Running { get; init; }
    public ContainerState? Terminated { get; init; }
}

public sealed record ContainerState
{
    public string Reason { get; init; } = "";
    public int ExitCode { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>A condition of a pod, a node or a claim: they look alike.</summary>
public sealed record PodCondition
{
    public string Type { get; init; } = "";
    public string Status { get; init; } = "";
    public string? Reason { get; init; }
    public string? Message { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
}
