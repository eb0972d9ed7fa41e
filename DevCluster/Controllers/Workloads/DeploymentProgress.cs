using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>How far a roll-out is, as its two conditions tell. Pure.</summary>
internal sealed record DeploymentProgress(Workload Deployment, Workload? Current, IReadOnlyList<Workload> Sets)
{
    public bool IsComplete => Current is { } current && current.Status.Replicas == Deployment.Spec.Replicas && current.Status.AvailableReplicas == Deployment.Spec.Replicas
        && Sets.Sum(set => set.Status.Replicas) == Deployment.Spec.Replicas;

    /// <summary>Available, then Progressing.</summary>
    public IReadOnlyList<WorkloadCondition> Conditions(DateTimeOffset now) => [Available(now), Progressing(now)];

    private WorkloadCondition Available(DateTimeOffset now)
    {
        var (_, unavailable) = DeploymentPlan.Limits(Deployment);
        return Sets.Sum(set => set.Status.AvailableReplicas) >= Deployment.Spec.Replicas - unavailable
            ? Condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now, moved: false)
            : Condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now, moved: false);
    }

    private WorkloadCondition Progressing(DateTimeOffset now)
    {
        var name = Current?.Name ?? "";
        if (Deployment.Spec.Paused) return Condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now, moved: false);
        if (IsComplete) return Condition("Progressing", "True", "NewReplicaSetAvailable", $"ReplicaSet \"{name}\" has successfully progressed.", now, moved: false);
        var old = Old("Progressing");
        var moved = old is null || Deployment.Status.ObservedGeneration != Deployment.Metadata.Generation
            || Deployment.Status.AvailableReplicas != Sets.Sum(set => set.Status.AvailableReplicas) || Deployment.Status.Replicas != Sets.Sum(set => set.Status.Replicas);
        if (!moved && old is { LastUpdateTime: { } since } && now - since > TimeSpan.FromSeconds(Deployment.Spec.ProgressDeadlineSeconds))
            return Condition("Progressing", "False", "ProgressDeadlineExceeded", $"ReplicaSet \"{name}\" has timed out progressing.", now, moved: false);
        return Condition("Progressing", "True", "ReplicaSetUpdated", $"ReplicaSet \"{name}\" is progressing.", now, moved);
    }

    private WorkloadCondition? Old(string type) => Deployment.Status.Conditions.Find(condition => condition.Type == type);

    private WorkloadCondition Condition(string type, string status, string reason, string message, DateTimeOffset now, bool moved)
    {
        var old = Old(type);
        var same = old?.Status == status && old.Reason == reason && old.Message == message && !moved;
        return new WorkloadCondition
        {
            Type = type,
            Status = status,
            Reason = reason,
            Message = message,
            LastUpdateTime = same ? old!.LastUpdateTime ?? now : now,
            LastTransitionTime = old?.Status == status ? old.LastTransitionTime ?? now : now,
        };
    }
}
