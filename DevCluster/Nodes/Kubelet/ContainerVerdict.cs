using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

public enum ContainerVerdict
{
    NeverRan,
    Running,

    /// <summary>Ended, and its restart policy wants it again.</summary>
    WantsRestart,

    /// <summary>Ended for good.</summary>
    Succeeded,
    Failed,
}

/// <summary>How the containers of a pod stand against its restart policy. Pure.</summary>
public sealed record PodProgress(bool Initialized, bool InitFailed, bool Ended, bool AllSucceeded)
{
    public static ContainerVerdict Judge(PodSpec spec, Container container, bool isInit, ContainerView view)
    {
        if (view.Current is not { } run) return ContainerVerdict.NeverRan;
        if (run.Exit is not { } exit) return ContainerVerdict.Running;
        var policy = container.IsSidecar && isInit ? "Always"
            : isInit ? (spec.RestartPolicy == "Never" ? "Never" : "OnFailure")
            : spec.RestartPolicy;
        return (policy, exit.ExitCode) switch
        {
            ("Always", _) => ContainerVerdict.WantsRestart,
            ("OnFailure", not 0) => ContainerVerdict.WantsRestart,
            (_, 0) => ContainerVerdict.Succeeded,
            _ => ContainerVerdict.Failed,
        };
    }

    public static PodProgress Of(PodSpec spec, PodObservation seen)
    {
        var mains = spec.Containers.Select(container => Judge(spec, container, false, seen.Container(container.Name))).ToList();
        var inits = spec.InitContainers.Select(container => (container, verdict: Judge(spec, container, true, seen.Container(container.Name)))).ToList();
        // Once a main container has run, the init containers are history, whatever is still known of them.
        var initialized = mains.Any(verdict => verdict != ContainerVerdict.NeverRan)
            || inits.All(init => init.container.IsSidecar
                ? init.verdict == ContainerVerdict.Running && seen.Container(init.container.Name).Started
                : init.verdict == ContainerVerdict.Succeeded);
        var initFailed = !initialized && inits.Any(init => init.verdict == ContainerVerdict.Failed);
        var allEnded = mains.Count > 0 && mains.All(verdict => verdict is ContainerVerdict.Succeeded or ContainerVerdict.Failed);
        return new PodProgress(initialized, initFailed, initFailed || allEnded, allEnded && mains.All(verdict => verdict == ContainerVerdict.Succeeded));
    }
}
