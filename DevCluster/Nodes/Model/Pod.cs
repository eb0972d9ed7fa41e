namespace Troupe.DevCluster.Nodes.Model;

/// <summary>What the kubelet and the scheduler read of a Pod object.</summary>
public sealed record Pod
{
    public ObjectMeta Metadata { get; set; } = new();
    public PodSpec Spec { get; set; } = new();
    public PodStatus Status { get; set; } = new();

    public string Name => Metadata.Name;
    public string Namespace => Metadata.Namespace;
    public string Uid => Metadata.Uid;
    public string Key => $"{Metadata.Namespace}/{Metadata.Name}";
    public bool IsReady => Status.Conditions.Exists(condition => condition is { Type: "Ready", Status: "True" });
    public bool IsFinished => Status.Phase is "Succeeded" or "Failed";
}

public sealed record PodSpec
{
    public string NodeName { get; set; } = "";
    public string SchedulerName { get; set; } = "";
    public List<Container> InitContainers { get; set; } = [];
    public List<Container> Containers { get; set; } = [];
    public List<Container> EphemeralContainers { get; set; } = [];

    /// <summary>All of them, of whatever sort.</summary>
    public IEnumerable<Container> AllContainers => Containers.Concat(InitContainers).Concat(EphemeralContainers);
    public List<Volume> Volumes { get; set; } = [];
    public string RestartPolicy { get; set; } = "Always";
    public long TerminationGracePeriodSeconds { get; set; } = 30;
    public long? ActiveDeadlineSeconds { get; set; }
    public bool HostNetwork { get; set; }
    public bool HostPID { get; set; }
    public string Hostname { get; set; } = "";
    public string Subdomain { get; set; } = "";
    public string DnsPolicy { get; set; } = "";
    public PodDnsConfig? DnsConfig { get; set; }
    public List<HostAlias> HostAliases { get; set; } = [];
    public PodSecurityContext SecurityContext { get; set; } = new();
    public string ServiceAccountName { get; set; } = "";
    public List<ReadinessGate> ReadinessGates { get; set; } = [];
    public List<NamedItem> SchedulingGates { get; set; } = [];
    public Dictionary<string, string> NodeSelector { get; set; } = [];
    public Affinity Affinity { get; set; } = new();
    public List<Toleration> Tolerations { get; set; } = [];
    public List<TopologySpreadConstraint> TopologySpreadConstraints { get; set; } = [];
    public int Priority { get; set; }
    public string PreemptionPolicy { get; set; } = "";
    public Dictionary<string, Quantity> Overhead { get; set; } = [];
}

public sealed record ReadinessGate
{
    public string ConditionType { get; set; } = "";
}

public sealed record NamedItem
{
    public string Name { get; set; } = "";
}

public sealed record HostAlias
{
    public string Ip { get; set; } = "";
    public List<string> Hostnames { get; set; } = [];
}

public sealed record PodDnsConfig
{
    public List<string> Nameservers { get; set; } = [];
    public List<string> Searches { get; set; } = [];
    public List<DnsOption> Options { get; set; } = [];
}

public sealed record DnsOption
{
    public string Name { get; set; } = "";
    public string? Value { get; set; }
}

public sealed record PodSecurityContext
{
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public long? FsGroup { get; set; }
    public List<long> SupplementalGroups { get; set; } = [];
    public List<Sysctl> Sysctls { get; set; } = [];
}

public sealed record Sysctl
{
    public string Name { get; set; } = "";
    public string Value { get; set; } = "";
}

public sealed record PodStatus
{
    public string Phase { get; set; } = "";
    public string NominatedNodeName { get; set; } = "";
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";
    public string PodIP { get; set; } = "";
    public DateTimeOffset? StartTime { get; set; }
    public List<PodCondition> Conditions { get; set; } = [];
    public List<ContainerStatus> ContainerStatuses { get; set; } = [];
    public List<ContainerStatus> InitContainerStatuses { get; set; } = [];
}

public sealed record ContainerStatus
{
    public string Name { get; set; } = "";
    public string ContainerID { get; set; } = "";
    public bool Ready { get; set; }
    public bool Started { get; set; }
    public int RestartCount { get; set; }
    public ContainerStates State { get; set; } = new();
}

public sealed record ContainerStates
{
    public ContainerState? Waiting { get; set; }
    public ContainerState? Running { get; set; }
    public ContainerState? Terminated { get; set; }
}

public sealed record ContainerState
{
    public string Reason { get; set; } = "";
    public int ExitCode { get; set; }
    public DateTimeOffset? FinishedAt { get; set; }
}

/// <summary>A condition of a pod, a node or a claim: they look alike.</summary>
public sealed record PodCondition
{
    public string Type { get; set; } = "";
    public string Status { get; set; } = "";
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
}
