using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record Container
{
    public string Name { get; init; } = "";
    public string Image { get; init; } = "";
    public string ImagePullPolicy { get; init; } = "";
    public List<string> Command { get; init; } = [];
    public List<string> Args { get; init; } = [];
    public string WorkingDir { get; init; } = "";
    public List<EnvVar> Env { get; init; } = [];
    public List<EnvFromSource> EnvFrom { get; init; } = [];
    public List<ContainerPort> Ports { get; init; } = [];
    public ContainerResources Resources { get; init; } = new();
    public List<VolumeMount> VolumeMounts { get; init; } = [];
    public List<VolumeDevice> VolumeDevices { get; init; } = [];
    public Probe? LivenessProbe { get; init; }
    public Probe? ReadinessProbe { get; init; }
    public Probe? StartupProbe { get; init; }
    public Lifecycle Lifecycle { get; init; } = new();
    public SecurityContext SecurityContext { get; init; } = new();
    public string TerminationMessagePath { get; init; } = "/dev/termination-log";
    public string TerminationMessagePolicy { get; init; } = "File";
    public string? RestartPolicy { get; init; }
    public bool Stdin { get; init; }
    public bool StdinOnce { get; init; }
    public bool Tty { get; init; }

    /// <summary>Of an ephemeral container: whose processes it sees.</summary>
    public string TargetContainerName { get; init; } = "";

    /// <summary>An init container that goes on running beside the main containers.</summary>
    public bool IsSidecar => RestartPolicy == "Always";
}

public sealed record ContainerResources
{
    public Dictionary<string, Quantity> Requests { get; init; } = [];
    public Dictionary<string, Quantity> Limits { get; init; } = [];
}

public sealed record ContainerPort
{
    public string Name { get; init; } = "";
    [JsonPropertyName("containerPort")]
    public int Number { get; init; }
    public int HostPort { get; init; }
    public string HostIP { get; init; } = "";
    public string Protocol { get; init; } = "TCP";
}

public sealed record EnvVar
{
    public string Name { get; init; } = "";
    public string Value { get; init; } = "";
    public EnvVarSource? ValueFrom { get; init; }
}

public sealed record EnvVarSource
{
    public ObjectFieldSelector? FieldRef { get; init; }
    public ResourceFieldSelector? ResourceFieldRef { get; init; }
    public KeySelector? ConfigMapKeyRef { get; init; }
    public KeySelector? SecretKeyRef { get; init; }
}

public sealed record EnvFromSource
{
    public string Prefix { get; init; } = "";
    public KeySelector? ConfigMapRef { get; init; }
    public KeySelector? SecretRef { get; init; }
}

public sealed record ObjectFieldSelector
{
    public string FieldPath { get; init; } = "";
}

public sealed record ResourceFieldSelector
{
    public string ContainerName { get; init; } = "";
    public string Resource { get; init; } = "";
    public Quantity? Divisor { get; init; }
}

public sealed record KeySelector
{
    public string Name { get; init; } = "";
    public string Key { get; init; } = "";
    public bool Optional { get; init; }
}

public sealed record VolumeMount
{
    public string Name { get; init; } = "";
    public string MountPath { get; init; } = "";
    public string SubPath { get; init; } = "";
    public string SubPathExpr { get; init; } = "";
    public bool ReadOnly { get; init; }
    public string? MountPropagation { get; init; }
}

public sealed record VolumeDevice
{
    public string Name { get; init; } = "";
    public string DevicePath { get; init; } = "";
}

public sealed record SecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public bool Privileged { get; init; }
    public bool ReadOnlyRootFilesystem { get; init; }
    public bool? AllowPrivilegeEscalation { get; init; }
    public CapabilityChanges Capabilities { get; init; } = new();
}

public sealed record CapabilityChanges
{
    public List<string> Add { get; init; } = [];
    public List<string> Drop { get; init; } = [];
}

public sealed record Lifecycle
{
    public Handler? PostStart { get; init; }
    public Handler? PreStop { get; init; }
}

public record Handler
{
    public ExecAction? Exec { get; init; }
    public HttpGetAction? HttpGet { get; init; }
    public TcpSocketAction? TcpSocket { get; init; }
    public SleepAction? Sleep { get; init; }

    /// <summary>Of probes only.</summary>
    public GrpcAction? Grpc { get; init; }
}

public sealed record Probe : Handler
{
    public int InitialDelaySeconds { get; init; }
    public int TimeoutSeconds { get; init; } = 1;
    public int PeriodSeconds { get; init; } = 10;
    public int SuccessThreshold { get; init; } = 1;
    public int FailureThreshold { get; init; } = 3;
}

public sealed record ExecAction
{
    public List<string> Command { get; init; } = [];
}

public sealed record SleepAction
{
    public long Seconds { get; init; }
}

public sealed record GrpcAction
{
    public int Port { get; init; }
    public string Service { get; init; } = "";
}

public sealed record TcpSocketAction
{
    public string Host { get; init; } = "";
    public IntOrString? Port { get; init; }
}

public sealed record HttpGetAction
{
    public string Host { get; init; } = "";
    public string Path { get; init; } = "/";
    public IntOrString? Port { get; init; }
    public string Scheme { get; init; } = "HTTP";
    public List<EnvVar> HttpHeaders { get; init; } = [];
}
