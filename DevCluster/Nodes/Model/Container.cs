using System.Text.Json.Serialization;

namespace Troupe.DevCluster.Nodes.Model;

public sealed record Container
{
    public string Name { get; set; } = "";
    public string Image { get; set; } = "";
    public string ImagePullPolicy { get; set; } = "";
    public List<string> Command { get; set; } = [];
    public List<string> Args { get; set; } = [];
    public string WorkingDir { get; set; } = "";
    public List<EnvVar> Env { get; set; } = [];
    public List<EnvFromSource> EnvFrom { get; set; } = [];
    public List<ContainerPort> Ports { get; set; } = [];
    public ContainerResources Resources { get; set; } = new();
    public List<VolumeMount> VolumeMounts { get; set; } = [];
    public List<VolumeDevice> VolumeDevices { get; set; } = [];
    public Probe? LivenessProbe { get; set; }
    public Probe? ReadinessProbe { get; set; }
    public Probe? StartupProbe { get; set; }
    public Lifecycle Lifecycle { get; set; } = new();
    public SecurityContext SecurityContext { get; set; } = new();
    public string TerminationMessagePath { get; set; } = "/dev/termination-log";
    public string TerminationMessagePolicy { get; set; } = "File";
    public string? RestartPolicy { get; set; }
    public bool Stdin { get; set; }
    public bool StdinOnce { get; set; }
    public bool Tty { get; set; }

    /// <summary>Of an ephemeral container: whose processes it sees.</summary>
    public string TargetContainerName { get; set; } = "";

    /// <summary>An init container that goes on running beside the main containers.</summary>
    public bool IsSidecar => RestartPolicy == "Always";
}

public sealed record ContainerResources
{
    public Dictionary<string, Quantity> Requests { get; set; } = [];
    public Dictionary<string, Quantity> Limits { get; set; } = [];
}

public sealed record ContainerPort
{
    public string Name { get; set; } = "";
    [JsonPropertyName("containerPort")]
    public int Number { get; set; }
    public int HostPort { get; set; }
    public string HostIP { get; set; } = "";
    public string Protocol { get; set; } = "TCP";
}

public sealed record EnvVar
{
    public string Name { get; set; } = "";
    public string Value { get; set; } = "";
    public EnvVarSource? ValueFrom { get; set; }
}

public sealed record EnvVarSource
{
    public ObjectFieldSelector? FieldRef { get; set; }
    public ResourceFieldSelector? ResourceFieldRef { get; set; }
    public KeySelector? ConfigMapKeyRef { get; set; }
    public KeySelector? SecretKeyRef { get; set; }
}

public sealed record EnvFromSource
{
    public string Prefix { get; set; } = "";
    public KeySelector? ConfigMapRef { get; set; }
    public KeySelector? SecretRef { get; set; }
}

public sealed record ObjectFieldSelector
{
    public string FieldPath { get; set; } = "";
}

public sealed record ResourceFieldSelector
{
    public string ContainerName { get; set; } = "";
    public string Resource { get; set; } = "";
    public Quantity? Divisor { get; set; }
}

public sealed record KeySelector
{
    public string Name { get; set; } = "";
    public string Key { get; set; } = "";
    public bool Optional { get; set; }
}

public sealed record VolumeMount
{
    public string Name { get; set; } = "";
    public string MountPath { get; set; } = "";
    public string SubPath { get; set; } = "";
    public string SubPathExpr { get; set; } = "";
    public bool ReadOnly { get; set; }
    public string? MountPropagation { get; set; }
}

public sealed record VolumeDevice
{
    public string Name { get; set; } = "";
    public string DevicePath { get; set; } = "";
}

public sealed record SecurityContext
{
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public bool Privileged { get; set; }
    public bool ReadOnlyRootFilesystem { get; set; }
    public bool? AllowPrivilegeEscalation { get; set; }
    public CapabilityChanges Capabilities { get; set; } = new();
}

public sealed record CapabilityChanges
{
    public List<string> Add { get; set; } = [];
    public List<string> Drop { get; set; } = [];
}

public sealed record Lifecycle
{
    public Handler? PostStart { get; set; }
    public Handler? PreStop { get; set; }
}

public record Handler
{
    public ExecAction? Exec { get; set; }
    public HttpGetAction? HttpGet { get; set; }
    public TcpSocketAction? TcpSocket { get; set; }
    public SleepAction? Sleep { get; set; }

    /// <summary>Of probes only.</summary>
    public GrpcAction? Grpc { get; set; }
}

public sealed record Probe : Handler
{
    public int InitialDelaySeconds { get; set; }
    public int TimeoutSeconds { get; set; } = 1;
    public int PeriodSeconds { get; set; } = 10;
    public int SuccessThreshold { get; set; } = 1;
    public int FailureThreshold { get; set; } = 3;
}

public sealed record ExecAction
{
    public List<string> Command { get; set; } = [];
}

public sealed record SleepAction
{
    public long Seconds { get; set; }
}

public sealed record GrpcAction
{
    public int Port { get; set; }
    public string Service { get; set; } = "";
}

public sealed record TcpSocketAction
{
    public string Host { get; set; } = "";
    public IntOrString? Port { get; set; }
}

public sealed record HttpGetAction
{
    public string Host { get; set; } = "";
    public string Path { get; set; } = "/";
    public IntOrString? Port { get; set; }
    public string Scheme { get; set; } = "HTTP";
    public List<EnvVar> HttpHeaders { get; set; } = [];
}
