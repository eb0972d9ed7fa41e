using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The kubelet's decision: from a pod's spec and what is observed of it to the next steps. Pure; time is an argument.</summary>
public static class PodPlan
{
    /// <summary>A sidecar that is told to end after the pod's grace period was used up still gets this long.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(2);

    public static PodDecision Next(Pod pod, PodObservation seen, CrashBackOff backOff, DateTimeOffset now)
    {
        if (seen.TerminatingSince is { } since)
            return StopAll(pod.Spec, seen, since + seen.TerminationGrace, now) ?? new PodDecision([new PodStep.Finish()]);
        if (seen.Released) return new PodDecision([]);

        var progress = PodProgress.Of(pod.Spec, seen);
        if (progress.Ended || seen.Failure is not null)
            return StopAll(pod.Spec, seen, now + TimeSpan.FromSeconds(pod.Spec.TerminationGracePeriodSeconds), now) ?? new PodDecision([new PodStep.ReleaseSandbox()]);

        if (seen.SetupTrouble is { } setup && setup.RetryAt > now) return new PodDecision([], setup.RetryAt);
        if (!seen.SandboxReady) return new PodDecision([new PodStep.PrepareSandbox()]);
        if (!seen.VolumesReady) return new PodDecision([new PodStep.MountVolumes()]);

        var plan = new Builder(pod.Spec, seen, backOff, now);
        foreach (var container in pod.Spec.EphemeralContainers) plan.Once(container);
        if (!progress.Initialized)
        {
            plan.Initialize();
        }
        else
        {
            foreach (var sidecar in pod.Spec.InitContainers.Where(container => container.IsSidecar)) plan.Keep(sidecar, isInit: true);
            foreach (var container in pod.Spec.Containers) plan.Keep(container, isInit: false);
        }
        return plan.Decision();
    }

    /// <summary>Main containers first and together, then the sidecars from last to first; null when nothing runs any more.</summary>
    private static PodDecision? StopAll(PodSpec spec, PodObservation seen, DateTimeOffset deadline, DateTimeOffset now)
    {
        bool Runs(Container container) => seen.Container(container.Name).IsRunning;
        var first = spec.Containers.Where(Runs).Concat(spec.InitContainers.Where(container => !container.IsSidecar && Runs(container))).Concat(spec.EphemeralContainers.Where(Runs)).ToList();
        if (first.Count == 0) first = [.. spec.InitContainers.Where(container => container.IsSidecar && Runs(container)).TakeLast(1)];
        if (first.Count == 0) return null;

        var steps = new List<PodStep>();
        DateTimeOffset? wake = null;
        foreach (var container in first)
        {
            var late = container.IsSidecar && deadline < now + LeastGrace ? now + LeastGrace : deadline;
            switch (seen.Container(container.Name).Stopping)
            {
                case null:
                    steps.Add(new PodStep.StopContainer(container, late, $"Stopping container {container.Name}"));
                    break;
                case { Killed: true }:
                    break;
                // A second deletion may have shortened the grace period since the container was told.
                case { } stopping when Earlier(stopping.Deadline, late) is var end:
                    if (end <= now) steps.Add(new PodStep.KillContainer(container.Name));
                    else wake = Earlier(wake, end);
                    break;
            }
        }
        return new PodDecision(steps, wake);
    }

    private static DateTimeOffset Earlier(DateTimeOffset? a, DateTimeOffset b) => a is { } first && first < b ? first : b;

    private sealed class Builder(PodSpec spec, PodObservation seen, CrashBackOff backOff, DateTimeOffset now)
    {
        private readonly List<PodStep> steps = [];
        private DateTimeOffset? wake;

        public PodDecision Decision() => new(steps, wake);

        /// <summary>Init containers one after the other; a sidecar holds up the next only until it has started.</summary>
        public void Initialize()
        {
            foreach (var container in spec.InitContainers)
            {
                var view = seen.Container(container.Name);
                var verdict = PodProgress.Judge(spec, container, true, view);
                if (!container.IsSidecar && verdict == ContainerVerdict.Succeeded) continue;
                Keep(container, isInit: true);
                if (container.IsSidecar && verdict == ContainerVerdict.Running && view.Started) continue;
                return;
            }
        }

        /// <summary>An ephemeral container runs once, and how it ends is of no account to the pod.</summary>
        public void Once(Container container)
        {
            var view = seen.Container(container.Name);
            if (view.Current is null) Start(container, view, attempt: 0, step: 0);
        }

        public void Keep(Container container, bool isInit)
        {
            var view = seen.Container(container.Name);
            switch (PodProgress.Judge(spec, container, isInit, view))
            {
                case ContainerVerdict.NeverRan:
                    Start(container, view, attempt: 0, step: 0);
                    break;
                case ContainerVerdict.WantsRestart when view.Current is { } ended:
                    var at = backOff.RestartAt(ended);
                    if (at > now) wake = Earlier(wake, at);
                    else Start(container, view, ended.Attempt + 1, backOff.NextStep(ended));
                    break;
                case ContainerVerdict.Running when view.Stopping is { Killed: false } stopping:
                    if (stopping.Deadline <= now) steps.Add(new PodStep.KillContainer(container.Name));
                    else wake = Earlier(wake, stopping.Deadline);
                    break;
                case ContainerVerdict.Running when view is { Unhealthy: { } why, Stopping: null }:
                    steps.Add(new PodStep.StopContainer(container, now + TimeSpan.FromSeconds(spec.TerminationGracePeriodSeconds), why));
                    break;
            }
        }

        private void Start(Container container, ContainerView view, int attempt, int step)
        {
            if (view.Trouble is { } trouble && trouble.RetryAt > now)
            {
                wake = Earlier(wake, trouble.RetryAt);
                return;
            }
            var ready = true;
            foreach (var (reference, policy) in ImagesOf(spec, container)) ready &= HasImage(reference, policy, container);
            if (ready) steps.Add(new PodStep.StartContainer(container, attempt, step));
        }

        private bool HasImage(string reference, string policy, Container container)
        {
            switch (seen.Images.GetValueOrDefault(reference))
            {
                case { Image: not null }:
                    return true;
                case { Pulling: true }:
                    return false;
                case { Trouble: { } trouble } when trouble.RetryAt > now:
                    wake = Earlier(wake, trouble.RetryAt);
                    return false;
                default:
                    steps.Add(new PodStep.PullImage(reference, policy, container.Name));
                    return false;
            }
        }
    }

    /// <summary>The container's own image and those that it mounts.</summary>
    public static IEnumerable<(string Reference, string PullPolicy)> ImagesOf(PodSpec spec, Container container)
    {
        yield return (container.Image, container.ImagePullPolicy);
        foreach (var mount in container.VolumeMounts)
        {
            if (spec.Volumes.Find(volume => volume.Name == mount.Name)?.Image is { } image) yield return (image.Reference, image.PullPolicy);
        }
    }

    /// <summary>Why one of the container's images is missing.</summary>
    public static Trouble? ImageTrouble(PodSpec spec, Container container, PodObservation seen)
    {
        foreach (var (reference, _) in ImagesOf(spec, container))
        {
            if (seen.Images.GetValueOrDefault(reference)?.Trouble is { } trouble) return trouble;
        }
        return null;
    }
}
