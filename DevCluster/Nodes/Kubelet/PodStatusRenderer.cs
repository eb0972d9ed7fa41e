using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>A pod's status as the kubelet would write it. Pure.</summary>
internal static class PodStatusRenderer
{
    public static JsonObject Render(Pod pod, PodObservation seen, string hostIp, string? podIp, DateTimeOffset startedAt, DateTimeOffset now)
    {
        var progress = PodProgress.Of(pod.Spec, seen);
        var phase = PhaseOf(pod, seen, progress);
        var initialized = progress.Initialized;
        var finished = phase is "Succeeded" or "Failed";
        var containersReady = !finished && initialized && pod.Spec.Containers.All(c => seen.Container(c.Name) is { IsRunning: true, Ready: true })
            && pod.Spec.InitContainers.Where(c => c.IsSidecar).All(c => seen.Container(c.Name) is { IsRunning: true, Ready: true });
        var gates = pod.Spec.ReadinessGates.Where(g => pod.Status.Conditions.Find(c => c.Type == g.ConditionType)?.Status != "True").Select(g => g.ConditionType).ToList();
        var notReady = finished ? ("PodCompleted", (string?)null) : ("ContainersNotReady", "containers with unready status");
        var status = new JsonObject
        {
            ["phase"] = phase,
            ["hostIP"] = hostIp,
            ["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = hostIp }),
            ["startTime"] = KubeJson.Time(startedAt),
            ["qosClass"] = QosClass(pod.Spec),
            ["conditions"] = new JsonArray(
                Condition(pod, "Initialized", initialized, initialized ? null : "ContainersNotInitialized", null, now),
                Condition(pod, "ContainersReady", containersReady, containersReady ? null : notReady.Item1, containersReady ? null : notReady.Item2, now),
                Condition(pod, "Ready", containersReady && gates.Count == 0, containersReady ? gates.Count == 0 ? null : "ReadinessGatesNotReady" : notReady.Item1,
                    containersReady && gates.Count > 0 ? $"the status of pod readiness gate \"{gates[0]}\" is not \"True\"" : null, now)),
            ["containerStatuses"] = new JsonArray([.. pod.Spec.Containers.Select(c => (JsonNode)Container(pod, c, seen))]),
        };
        if (pod.Spec.InitContainers.Count > 0)
            status["initContainerStatuses"] = new JsonArray([.. pod.Spec.InitContainers.Select(c => (JsonNode)Container(pod, c, seen))]);
        if (pod.Spec.EphemeralContainers.Count > 0)
            status["ephemeralContainerStatuses"] = new JsonArray([.. pod.Spec.EphemeralContainers.Select(c => (JsonNode)Container(pod, c, seen))]);
        if (seen.Failure is { } failure)
        {
            status["reason"] = failure.Reason;
            status["message"] = failure.Message;
        }
        if (podIp is not null && !seen.Released)
        {
            status["podIP"] = podIp;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = podIp });
        }

        return status;
    }

    private static string PhaseOf(Pod pod, PodObservation seen, PodProgress progress)
    {
        // A finished pod stays what it was.
        if (pod.IsFinished)
            return pod.Status.Phase;
        if (seen.Failure is not null)
            return "Failed";
        if (progress.Ended)
            return progress.AllSucceeded ? "Succeeded" : "Failed";
        return progress.Initialized && pod.Spec.Containers.Any(c => seen.Container(c.Name).Current is not null) ? "Running" : "Pending";
    }

    private static JsonObject Condition(Pod pod, string type, bool value, string? reason, string? message, DateTimeOffset now)
    {
        var status = value ? "True" : "False";
        var old = pod.Status.Conditions.Find(c => c.Type == type);
        var condition = new JsonObject
        {
            ["type"] = type,
            ["status"] = status,
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = KubeJson.Time(old?.Status == status && old.LastTransitionTime is { } since ? since : now),
        };
        // Strategic merge keeps what is not mentioned: a reason that no longer holds is removed by name.
        condition["reason"] = reason;
        condition["message"] = message;
        return condition;
    }

    private static JsonObject Container(Pod pod, Container container, PodObservation seen)
    {
        var view = seen.Container(container.Name);
        var status = new JsonObject
        {
            ["name"] = container.Name,
            ["image"] = view.Current?.Image is { Length: > 0 } image ? image : container.Image,
            ["imageID"] = view.Current?.ImageId ?? "",
            ["ready"] = view is { IsRunning: true, Ready: true },
            ["started"] = view is { IsRunning: true, Started: true },
            ["restartCount"] = view.Current?.Attempt ?? 0,
            ["state"] = State(pod, container, view, seen),
        };
        if (view.Current is { Id.Length: > 0 } run)
            status["containerID"] = "runc://" + run.Id;
        if (view.Previous is { Exit: not null } previous)
            status["lastState"] = Terminated(previous);
        return status;
    }

    private static JsonObject State(Pod pod, Container container, ContainerView view, PodObservation seen)
    {
        if (view.Current is { Exit: not null } ended)
        {
            var restarts = PodProgress.Judge(pod.Spec, container, pod.Spec.InitContainers.Contains(container), view) == ContainerVerdict.WantsRestart;
            return restarts && view.Trouble is { } trouble ? Waiting(trouble.Reason, trouble.Message)
                : restarts && ended.BackOffStep > 0 ? Waiting("CrashLoopBackOff", $"back-off restarting failed container {container.Name} in pod {pod.Name}_{pod.Namespace}({pod.Uid})")
                : Terminated(ended);
        }

        if (view.Current is { StartedAt: { } started })
            return new JsonObject { ["running"] = new JsonObject { ["startedAt"] = KubeJson.Time(started) } };
        if (seen.SetupTrouble is { } setup)
            return Waiting("ContainerCreating", setup.Message);
        if (view.Trouble is { } own)
            return Waiting(own.Reason, own.Message);
        if (PodPlan.ImageTrouble(pod.Spec, container, seen) is { } missing)
            return Waiting(missing.Reason, missing.Message);
        return Waiting(pod.Spec.InitContainers.Count > 0 && !pod.Spec.InitContainers.Contains(container) ? "PodInitializing" : "ContainerCreating", null);
    }

    private static JsonObject Waiting(string reason, string? message)
    {
        var waiting = new JsonObject { ["reason"] = reason };
        if (message is not null)
            waiting["message"] = message;
        return new JsonObject { ["waiting"] = waiting };
    }

    private static JsonObject Terminated(ContainerRun run)
    {
        var terminated = new JsonObject { ["exitCode"] = run.Exit!.ExitCode, ["reason"] = run.Exit.Reason, ["finishedAt"] = KubeJson.Time(run.Exit.FinishedAt), ["containerID"] = "runc://" + run.Id };
        if (run.StartedAt is { } started)
            terminated["startedAt"] = KubeJson.Time(started);
        if (run.Exit.Message is { Length: > 0 } message)
            terminated["message"] = message;
        return new JsonObject { ["terminated"] = terminated };
    }

    public static string QosClass(PodSpec spec)
    {
        string[] kinds = ["cpu", "memory"];
        var containers = spec.Containers.Concat(spec.InitContainers).ToList();
        if (containers.All(c => kinds.All(k => !c.Resources.Requests.ContainsKey(k) && !c.Resources.Limits.ContainsKey(k))))
            return "BestEffort";
        return containers.All(c => kinds.All(k => c.Resources.Limits.TryGetValue(k, out var limit) && (!c.Resources.Requests.TryGetValue(k, out var request) || request == limit)))
            ? "Guaranteed" : "Burstable";
    }
}
