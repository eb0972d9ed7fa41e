using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>Objects around migrations, in namespace `ns`.</summary>
internal static class MigrationSamples
{
    public static readonly DateTimeOffset Now = new(2026, 11, 25, 10, 0, 0, TimeSpan.Zero);

    /// <summary>Runs on node-1 and can be moved.</summary>
    public static VirtualMachineInstance Guest(string name, string? strategy = EvictionStrategies.LiveMigrate, string node = "node-1", string? evacuates = null, string migratable = "True", string image = "launcher:2") => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "ns", Uid = $"uid-{name}" },
        Spec = new VirtualMachineInstanceSpec { EvictionStrategy = strategy, Domain = new DomainSpec() },
        Status = new VirtualMachineInstanceStatus
        {
            Phase = VmiPhases.Running,
            NodeName = node,
            EvacuationNodeName = evacuates,
            LauncherContainerImageVersion = image,
            ActivePods = new Dictionary<string, string> { [$"pod-{name}"] = node },
            Conditions = [Condition(LiveMigratable.Condition, migratable)],
        },
    };

    public static VirtualMachineInstance With(this VirtualMachineInstance vmi, string condition, string status = "True") =>
        vmi with { Status = vmi.Status! with { Conditions = [.. vmi.Status.Conditions!, Condition(condition, status)] } };

    public static VirtualMachineInstance Annotated(this VirtualMachineInstance vmi, string key, string value = "") =>
        vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { [key] = value } } };

    public static Node Node(string name, string? taint = null, string effect = "NoSchedule") => new()
    {
        Metadata = new ObjectMeta { Name = name, Uid = name },
        Spec = new NodeSpec { Taints = taint is null ? null : [new Taint { Key = taint, Effect = effect }] },
    };

    /// <param name="age">Minutes.</param>
    /// <param name="cause">Key of an annotation.</param>
    public static VirtualMachineInstanceMigration Move(string name, string vmi, string? phase = null, int age = 0, string? cause = null, DateTimeOffset? failedAt = null) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Namespace = "ns",
            Uid = $"uid-{name}",
            CreationTimestamp = Now.AddMinutes(-age),
            Finalizers = [MigrationsActor.Finalizer],
            Annotations = cause is null ? null : new Dictionary<string, string> { [cause] = "node-1" },
        },
        Spec = new VirtualMachineInstanceMigrationSpec { VmiName = vmi },
        Status = new VirtualMachineInstanceMigrationStatus
        {
            Phase = phase,
            PhaseTransitionTimestamps = failedAt is null ? null : [new VirtualMachineInstanceMigrationPhaseTransitionTimestamp { Phase = MigrationPhases.Failed, PhaseTransitionTimestamp = failedAt }],
        },
    };

    public static KubeVirt Installation(KubeVirtConfiguration? configuration = null, KubeVirtWorkloadUpdateStrategy? updates = null, KubeVirtStatus? status = null) => new()
    {
        Metadata = new ObjectMeta { Name = "kubevirt", Namespace = "kubevirt", Uid = "kv" },
        Spec = new KubeVirtSpec { Configuration = configuration, WorkloadUpdateStrategy = updates },
        Status = status,
    };

    private static VirtualMachineInstanceCondition Condition(string type, string status) => new() { Type = type, Status = status };
}
