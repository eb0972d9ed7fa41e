using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

/// <param name="Create">How many instances to make.</param>
/// <param name="Delete">Those that are too many, or have ended.</param>
public sealed record ReplicaSetDecision(int Create, IReadOnlyList<VirtualMachineInstance> Delete, VirtualMachineInstanceReplicaSetStatus Status)
{
    public bool Retire { get; init; }

    /// <summary>Those that the selector does not match any more: they go their own way, and are replaced.</summary>
    public IReadOnlyList<VirtualMachineInstance> Release { get; init; } = [];
}

/// <summary>A replica set as a pure function.</summary>
public static class ReplicaSetLifecycle
{
    public const string ReplicaFailure = "ReplicaFailure";
    public const string ReplicaPaused = "ReplicaPaused";

    /// <summary>The most instances that one decision makes or deletes.</summary>
    public const int Burst = 250;

    /// <summary>Null when nothing can be said yet.</summary>
    public static ReplicaSetDecision? Decide(ReplicaSetState state, DateTimeOffset now)
    {
        if (state.Gone)
            return new(0, [], new VirtualMachineInstanceReplicaSetStatus()) { Retire = true };
        // What it would make it would not call its own: one after the other, without end.
        if (state.ReplicaSet is not { } set || !state.Listed || !LabelSelectors.Matches(set.Spec?.Selector, set.Spec?.Template?.Metadata?.Labels))
            return null;
        var present = state.Instances.Values.Where(i => !i.IsDeleting()).OrderBy(i => i.Metadata.Name, StringComparer.Ordinal)
            .ToLookup(i => LabelSelectors.Matches(set.Spec?.Selector, i.Metadata.Labels));
        var owned = present[true].ToList();
        var ended = owned.Where(HasEnded).ToList();
        var active = owned.Except(ended).ToList();
        var status = Status(state, set, active, now);
        if (set.Metadata.DeletionTimestamp is not null)
            return new(0, [], status);
        if (set.Spec?.Paused is true)
            return new(0, [], status) { Release = [.. present[false]] };
        var missing = (set.Spec?.Replicas ?? 1) - active.Count;
        return new(Math.Clamp(missing, 0, Burst), [.. ended.Concat(active.Take(Math.Max(0, -missing))).Take(Burst)], status) { Release = [.. present[false]] };
    }

    public static VirtualMachineInstance Make(VirtualMachineInstanceReplicaSet set)
    {
        var template = set.Spec?.Template;
        return new VirtualMachineInstance
        {
            ApiVersion = MachineVocabulary.ApiVersion,
            Kind = "VirtualMachineInstance",
            Metadata = new ObjectMeta
            {
                GenerateName = new[] { template?.Metadata?.Name, template?.Metadata?.GenerateName }.FirstOrDefault(n => n is { Length: > 0 }) ?? set.Metadata.Name,
                Namespace = set.Metadata.Namespace,
                Labels = template?.Metadata?.Labels,
                Annotations = template?.Metadata?.Annotations,
                OwnerReferences =
                [
                    new OwnerReference
                    {
                        ApiVersion = MachineVocabulary.ApiVersion,
                        Kind = "VirtualMachineInstanceReplicaSet",
                        Name = set.Metadata.Name,
                        Uid = set.Metadata.Uid,
                        Controller = true,
                        BlockOwnerDeletion = true,
                    },
                ],
            },
            Spec = template?.Spec,
        };
    }

    /// <summary>The event of a pause that was begun or ended; null when neither.</summary>
    public static (string Reason, string Message)? PauseEvent(VirtualMachineInstanceReplicaSetStatus? before, VirtualMachineInstanceReplicaSetStatus? after) => (IsPaused(before), IsPaused(after)) switch
    {
        (false, true) => ("SuccessfulPaused", "Paused"),
        (true, false) => ("SuccessfulResumed", "Resumed"),
        _ => null,
    };

    private static bool IsPaused(VirtualMachineInstanceReplicaSetStatus? status) => status?.Conditions?.Any(c => c.Type == ReplicaPaused) is true;

    /// <summary>A guest that is down, or whose pod is going, serves nobody any more.</summary>
    private static bool HasEnded(VirtualMachineInstance instance) => instance.IsFinal()
        || instance.Status?.Conditions?.Any(c => c is { Type: Conditions.Ready, Status: "False", Reason: "PodTerminating" }) is true;

    private static VirtualMachineInstanceReplicaSetStatus Status(ReplicaSetState state, VirtualMachineInstanceReplicaSet set, IReadOnlyList<VirtualMachineInstance> active, DateTimeOffset now) =>
        (set.Status ?? new VirtualMachineInstanceReplicaSetStatus()) with
        {
            Replicas = active.Count,
            ReadyReplicas = active.Count(i => i.Status?.Conditions?.Any(c => c is { Type: Conditions.Ready, Status: "True" }) is true),
            LabelSelector = SelectorText.Of(set.Spec?.Selector),
            Conditions = ReplicaConditions.Of(set.Status?.Conditions ?? [],
                set.Spec?.Paused is true ? new Condition { Type = ReplicaPaused, Status = "True", Reason = "Paused", Message = "Controller got paused" } : null,
                state.Failure is { } failure ? new Condition { Type = ReplicaFailure, Status = "True", Reason = failure.Reason, Message = failure.Message } : null, now),
        };
}
