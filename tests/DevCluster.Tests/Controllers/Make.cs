using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Tests.Controllers;

/// <summary>Objects for tests of the controllers' plans.</summary>
internal static class Make
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Workload Workload(string name, int replicas, int available = 0, int age = 0) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = name, Uid = name, CreationTimestamp = Now - TimeSpan.FromMinutes(age) },
        Spec = new WorkloadSpec { Replicas = replicas },
        Status = new WorkloadStatus { Replicas = replicas, AvailableReplicas = available, ReadyReplicas = available },
    };

    public static Workload Rolling(this Workload workload, string? surge, string? unavailable) => workload with
    {
        Spec = workload.Spec with
        {
            Strategy = new UpdateStrategy { RollingUpdate = new RollingUpdate { MaxSurge = surge is null ? null : new IntOrString(surge), MaxUnavailable = unavailable is null ? null : new IntOrString(unavailable) } },
        },
    };

    /// <summary>A pod on a node, running and ready since a minute.</summary>
    public static Pod Pod(string name, string node = "n1", string phase = "Running", bool ready = true, string? hash = null, DateTimeOffset? readySince = null) => new()
    {
        Metadata = new ObjectMeta
        {
            Namespace = "ns",
            Name = name,
            Uid = name,
            CreationTimestamp = Now - TimeSpan.FromMinutes(5),
            Labels = hash is null ? [] : new() { [Revisions.HashLabel] = hash },
        },
        Spec = new PodSpec { NodeName = node },
        Status = new PodStatus
        {
            Phase = phase,
            PodIP = node.Length > 0 ? "10.0.0." + (name.Sum(c => c) % 250) : "",
            Conditions = [new PodCondition { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = readySince ?? Now - TimeSpan.FromMinutes(1) }],
        },
    };

    public static Pod Labelled(this Pod pod, string key, string value) => pod with { Metadata = pod.Metadata with { Labels = new(pod.Metadata.Labels) { [key] = value } } };

    public static Pod Deleted(this Pod pod) => pod with { Metadata = pod.Metadata with { DeletionTimestamp = Now } };

    public static Node Node(string name, string ready = "True", params Taint[] taints) => new()
    {
        Metadata = new ObjectMeta { Name = name, Uid = name },
        Spec = new NodeSpec { Taints = [.. taints] },
        Status = new NodeStatus { Conditions = [new PodCondition { Type = "Ready", Status = ready }] },
    };

    public static Taint Taint(string key, string effect, DateTimeOffset? added = null) => new() { Key = key, Effect = effect, TimeAdded = added };
}
