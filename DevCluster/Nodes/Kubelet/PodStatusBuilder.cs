using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The pod's status from what is observed. Pure.</summary>
public sealed record PodStatusBuilder(Pod Pod, PodObservation Seen, string HostIp, string? PodIp, DateTimeOffset StartTime, CrashBackOff BackOff, DateTimeOffset Now)
{
    private PodProgress Progress { get; } = PodProgress.Of(Pod.Spec, Seen);

    public JsonObject Build()
    {
        var status = new JsonObject
        {
            ["phase"] = Phase(),
            ["conditions"] = Conditions(),
            ["hostIP"] = HostIp,
            ["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = HostIp }),
            ["startTime"] = KubeJson.Time(StartTime),
            ["qosClass"] = QualityOfService.Of(Pod.Spec),
            ["containerStatuses"] = new JsonArray([.. Pod.Spec.Containers.Select(container => Status(container, isInit: false))]),
        };
        if (Pod.Spec.InitContainers.Count > 0)
            status["initContainerStatuses"] = new JsonArray([.. Pod.Spec.InitContainers.Select(container => Status(container, isInit: true))]);
        if (PodIp is not null)
        {
            status["podIP"] = PodIp;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = PodIp });
        }
        return status;
    }

    public string Phase()
    {
        if (Pod.IsFinished) return Pod.Status.Phase; // never leaves an end phase
        if (Progress.Ended) return Progress.AllSucceeded ? "Succeeded" : "Failed";
        if (!Progress.Initialized) return Ending() ?? "Pending";
        var views = Pod.Spec.Containers.Select(container => Seen.Container(container.Name)).ToList();
        if (views.Any(view => view.Current is null)) return Ending() ?? "Pending";
        return Ending() ?? "Running";
    }

    /// <summary>A deleted pod whose containers have all stopped has ended, whatever its restart policy says.</summary>
    private string? Ending()
    {
        if (Seen.TerminatingSince is null) return null;
        var all = Pod.Spec.Containers.Concat(Pod.Spec.InitContainers).Select(container => Seen.Container(container.Name)).ToList();
        if (all.Any(view => view.IsRunning) || all.All(view => view.Current is null)) return null;
        return Pod.Spec.Containers.All(container => Seen.Container(container.Name).Current is { Exit.ExitCode: 0 }) ? "Succeeded" : "Failed";
    }

    /// <summary>Nothing but the ordinary steps of starting: not worth a write of its own.</summary>
    public bool IsOnlyStarting =>
        Phase() == "Pending" && Seen.TerminatingSince is null && Seen.SetupTrouble is null
        && Pod.Spec.Containers.Concat(Pod.Spec.InitContainers).All(container =>
            TroubleOf(container) is null && Seen.Container(container.Name) is var view && (view.Current?.Exit is null or { ExitCode: 0 }));

    private JsonObject Status(Container container, bool isInit)
    {
        var view = Seen.Container(container.Name);
        var run = view.Current;
        var verdict = PodProgress.Judge(Pod.Spec, container, isInit, view);
        var waiting = Waiting(container, view, verdict);
        var previous = waiting is not null && run?.Exit is not null ? run : view.Previous;
        var status = new JsonObject
        {
            ["name"] = container.Name,
            ["state"] = waiting is not null ? new JsonObject { ["waiting"] = waiting } : State(run!),
            ["lastState"] = previous?.Exit is null ? new JsonObject() : State(previous),
            ["ready"] = isInit && !container.IsSidecar ? verdict == ContainerVerdict.Succeeded : IsReady(view),
            ["restartCount"] = run?.Attempt ?? 0,
            ["image"] = run?.Image ?? container.Image,
            ["imageID"] = run?.ImageId ?? "",
            ["started"] = view is { IsRunning: true, Started: true },
        };
        if (run is not null) status["containerID"] = ContainerId(run);
        return status;
    }

    private JsonObject? Waiting(Container container, ContainerView view, ContainerVerdict verdict)
    {
        if (verdict is ContainerVerdict.Running or ContainerVerdict.Succeeded or ContainerVerdict.Failed) return null;
        if (Seen.TerminatingSince is not null && view.Current is not null) return null;
        if (TroubleOf(container) is { } trouble) return Reason(trouble.Reason, trouble.Message);
        if (view.Current is { Exit: not null } ended)
        {
            var delay = BackOff.Delay(ended.BackOffStep);
            return delay == TimeSpan.Zero || BackOff.RestartAt(ended) <= Now
                ? null // restarted at once: until then it shows how it ended
                : Reason("CrashLoopBackOff", BackOffMessage(Pod, container, delay));
        }
        return Reason(Progress.Initialized || Pod.Spec.InitContainers.Count == 0 ? "ContainerCreating" : "PodInitializing", Seen.SetupTrouble?.Message);
    }

    private Trouble? TroubleOf(Container container) =>
        Seen.Container(container.Name) is { IsRunning: false } view ? view.Trouble ?? PodPlan.ImageTrouble(Pod.Spec, container, Seen) : null;

    public static string BackOffMessage(Pod pod, Container container, TimeSpan delay) =>
        $"back-off {Duration(delay)} restarting failed container={container.Name} pod={pod.Name}_{pod.Namespace}({pod.Uid})";

    private static string Duration(TimeSpan time) => time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes}m{time.Seconds}s" : $"{time.TotalSeconds:0.###}s";

    private static JsonObject Reason(string reason, string? message)
    {
        var waiting = new JsonObject { ["reason"] = reason };
        if (message is not null) waiting["message"] = message;
        return waiting;
    }

    private static JsonObject State(ContainerRun run)
    {
        if (run.Exit is not { } exit) return new JsonObject { ["running"] = new JsonObject { ["startedAt"] = KubeJson.Time(run.StartedAt ?? run.CreatedAt) } };
        var ended = new JsonObject
        {
            ["exitCode"] = exit.ExitCode,
            ["reason"] = exit.Reason,
            ["startedAt"] = KubeJson.Time(run.StartedAt ?? run.CreatedAt),
            ["finishedAt"] = KubeJson.Time(exit.FinishedAt),
            ["containerID"] = ContainerId(run),
        };
        if (!string.IsNullOrEmpty(exit.Message)) ended["message"] = exit.Message;
        return new JsonObject { ["terminated"] = ended };
    }

    public static string ContainerId(ContainerRun run) => "runc://" + run.Id;

    private bool IsReady(ContainerView view) => view is { IsRunning: true, Started: true, Ready: true };

    private JsonArray Conditions()
    {
        var finished = Phase() == "Succeeded";
        var uninitialized = Pod.Spec.InitContainers.Where(container => !Progress.Initialized
            && PodProgress.Judge(Pod.Spec, container, true, Seen.Container(container.Name)) is var verdict
            && !(verdict == ContainerVerdict.Succeeded || (container.IsSidecar && Seen.Container(container.Name) is { IsRunning: true, Started: true })))
            .Select(container => container.Name).ToList();
        // A sidecar that is not ready makes the pod unready, like a main container.
        var unready = Pod.Spec.InitContainers.Where(container => container.IsSidecar).Concat(Pod.Spec.Containers)
            .Where(container => !IsReady(Seen.Container(container.Name))).Select(container => container.Name).ToList();
        var containersReady = finished ? ("False", "PodCompleted", null)
            : Phase() == "Failed" ? ("False", "PodFailed", null)
            : unready.Count > 0 ? ("False", "ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]")
            : ((string, string?, string?))("True", null, null);
        var ready = containersReady.Item1 == "True" ? Gates() : containersReady;
        return new JsonArray(
            Condition("PodReadyToStartContainers", (Seen.SandboxReady && !Seen.Released ? "True" : "False", null, null)),
            Condition("Initialized", uninitialized.Count == 0 ? ("True", finished ? "PodCompleted" : null, null)
                : ("False", "ContainersNotInitialized", $"containers with incomplete status: [{string.Join(' ', uninitialized)}]")),
            Condition("Ready", ready),
            Condition("ContainersReady", containersReady),
            Condition("PodScheduled", ("True", null, null)));
    }

    private (string, string?, string?) Gates()
    {
        var messages = Pod.Spec.ReadinessGates.Select(gate => (gate, condition: Pod.Status.Conditions.Find(condition => condition.Type == gate.Type)))
            .Where(pair => pair.condition?.Status != "True")
            .Select(pair => pair.condition is null
                ? $"corresponding condition of pod readiness gate \"{pair.gate.Type}\" does not exist."
                : $"the status of pod readiness gate \"{pair.gate.Type}\" is not \"True\", but {pair.condition.Status}").ToList();
        return messages.Count == 0 ? ("True", null, null) : ("False", "ReadinessGatesNotReady", string.Join(", ", messages));
    }

    private JsonNode Condition(string type, (string Status, string? Reason, string? Message) now)
    {
        var before = Pod.Status.Conditions.Find(condition => condition.Type == type);
        var since = before is { LastTransitionTime: { } time } && before.Status == now.Status ? time : Now;
        return new JsonObject
        {
            ["type"] = type,
            ["status"] = now.Status,
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = KubeJson.Time(since),
            // Explicit nulls: the write is a merge patch, which otherwise keeps an outdated reason.
            ["reason"] = now.Reason,
            ["message"] = now.Message,
        };
    }
}
