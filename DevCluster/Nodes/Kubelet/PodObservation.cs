using System.Collections.Immutable;
using Troupe.DevCluster.Nodes.Containers;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What a pod's worker knows at one moment; the plan and the status are computed from nothing else.</summary>
public sealed record PodObservation
{
    public bool SandboxReady { get; init; }
    public bool VolumesReady { get; init; }

    /// <summary>Why the sandbox or a volume could not be made, and when that is tried again.</summary>
    public Trouble? SetupTrouble { get; init; }

    /// <summary>The pod ended by itself and its sandbox is gone; only its object, logs and volumes are left.</summary>
    public bool Released { get; init; }

    /// <summary>Why the pod as a whole is to end as Failed, whatever its containers do.</summary>
    public PodFailure? Failure { get; init; }

    /// <summary>Since when the pod is being deleted (or its object has vanished).</summary>
    public DateTimeOffset? TerminatingSince { get; init; }
    public TimeSpan TerminationGrace { get; init; }

    public ImmutableDictionary<string, ImageView> Images { get; init; } = ImmutableDictionary<string, ImageView>.Empty;
    public ImmutableDictionary<string, ContainerView> Containers { get; init; } = ImmutableDictionary<string, ContainerView>.Empty;

    public ContainerView Container(string name) => Containers.GetValueOrDefault(name, ContainerView.Unborn);

    public PodObservation With(string container, Func<ContainerView, ContainerView> change) =>
        this with { Containers = Containers.SetItem(container, change(Container(container))) };
}

/// <summary>Something failed and will be tried again; reason and message are what the pod's status shows.</summary>
public sealed record Trouble(string Reason, string Message, DateTimeOffset RetryAt, int Failures = 1);

public sealed record PodFailure(string Reason, string Message);

public sealed record ImageView
{
    public bool Pulling { get; init; }
    public Images.Image? Image { get; init; }
    public Trouble? Trouble { get; init; }
}

public sealed record ContainerView
{
    public static readonly ContainerView Unborn = new();

    /// <summary>The newest run, and the one before it.</summary>
    public ContainerRun? Current { get; init; }
    public ContainerRun? Previous { get; init; }

    /// <summary>What the probes say of the current run (true where there is no such probe and it runs).</summary>
    public bool Started { get; init; }
    public bool Ready { get; init; }

    /// <summary>Why a probe wants the current run restarted.</summary>
    public string? Unhealthy { get; init; }

    public Stopping? Stopping { get; init; }

    /// <summary>Why the next run cannot be made now.</summary>
    public Trouble? Trouble { get; init; }

    public bool IsRunning => Current is { Exit: null };
}

/// <summary>The container was asked to end; after the deadline it is killed.</summary>
public sealed record Stopping(DateTimeOffset Deadline, bool Killed = false);
