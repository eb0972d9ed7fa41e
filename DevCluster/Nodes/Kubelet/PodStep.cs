using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>One thing for a pod's worker to do.</summary>
public abstract record PodStep
{
    public sealed record PrepareSandbox : PodStep;
    public sealed record MountVolumes : PodStep;
    public sealed record PullImage(string Reference, string PullPolicy, string Container) : PodStep;
    public sealed record StartContainer(Container Container, int Attempt, int BackOffStep) : PodStep;
    public sealed record StopContainer(Container Container, DateTimeOffset Deadline, string Why) : PodStep;
    public sealed record KillContainer(string Container) : PodStep;

    /// <summary>The pod has ended by itself: give back address, cgroups and processes, keep the logs.</summary>
    public sealed record ReleaseSandbox : PodStep;

    /// <summary>The deleted pod has stopped: last status, remove everything, then the object.</summary>
    public sealed record Finish : PodStep;
}

/// <param name="Steps">To be done now, in this order.</param>
/// <param name="WakeAt">When to plan again if nothing else happens.</param>
public sealed record PodDecision(IReadOnlyList<PodStep> Steps, DateTimeOffset? WakeAt = null);
