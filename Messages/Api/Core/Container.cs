using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record Container : ApiObject
{
    public IReadOnlyList<string>? Args { get; init; }
    public IReadOnlyList<string>? Command { get; init; }
    public IReadOnlyList<EnvVar>? Env { get; init; }
    public string? Image { get; init; }
    public string? ImagePullPolicy { get; init; }
    public ContainerProbe? LivenessProbe { get; init; }
    public string? Name { get; init; }
    public IReadOnlyList<ContainerPort>? Ports { get; init; }
    public ContainerProbe? ReadinessProbe { get; init; }
    public ContainerResources? Resources { get; init; }
    public string? RestartPolicy { get; init; }
    public SecurityContext? SecurityContext { get; init; }
    public string? TerminationMessagePolicy { get; init; }
    public IReadOnlyList<VolumeDevice>? VolumeDevices { get; init; }
    public IReadOnlyList<VolumeMount>? VolumeMounts { get; init; }
}

public sealed record ContainerPort : ApiObject
{
    [JsonPropertyName("containerPort")]
    public int? Number { get; init; }
    public string? Name { get; init; }
    public string? Protocol { get; init; }
}

public sealed record ContainerResources : ApiObject
{
    public IReadOnlyList<ResourceClaim>? Claims { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Limits { get; init; }
    public IReadOnlyDictionary<string, Quantity>? Requests { get; init; }
}

/// <summary>A dynamically allocated device that the container uses: a claim of its pod, and which of the claim's requests.</summary>
public sealed record ResourceClaim : ApiObject
{
    public string? Name { get; init; }
    public string? Request { get; init; }
}

public sealed record ContainerProbe : ApiObject
{
    public ExecAction? Exec { get; init; }
    public int? FailureThreshold { get; init; }
    public HTTPGetAction? HttpGet { get; init; }
    public int? InitialDelaySeconds { get; init; }
    public int? PeriodSeconds { get; init; }
    public int? SuccessThreshold { get; init; }
    public TCPSocketAction? TcpSocket { get; init; }
    public int? TimeoutSeconds { get; init; }
}

public sealed record SecurityContext : ApiObject
{
    public bool? AllowPrivilegeEscalation { get; init; }
    public Capabilities? Capabilities { get; init; }
    public bool? Privileged { get; init; }
    public bool? ReadOnlyRootFilesystem { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public long? RunAsUser { get; init; }
}

public sealed record Capabilities : ApiObject
{
    public IReadOnlyList<string>? Add { get; init; }
    public IReadOnlyList<string>? Drop { get; init; }
}

public sealed record EnvVar : ApiObject
{
    public string? Name { get; init; }
    public string? Value { get; init; }
    public EnvVarSource? ValueFrom { get; init; }
}

public sealed record EnvVarSource : ApiObject
{
    public ObjectFieldSelector? FieldRef { get; init; }
}

public sealed record VolumeMount : ApiObject
{
    public string? MountPath { get; init; }
    public string? MountPropagation { get; init; }
    public string? Name { get; init; }
    public bool? ReadOnly { get; init; }
    public string? SubPath { get; init; }
}

public sealed record VolumeDevice : ApiObject
{
    public string? DevicePath { get; init; }
    public string? Name { get; init; }
}
