using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Feeds;

/// <summary>What the lifecycle needs of a launcher pod.</summary>
internal static class PodProjection
{
    private const string Compute = Vmi.LauncherPod.LauncherPodRenderer.ComputeContainer;

    /// <summary>UID of the VMI that a launcher pod belongs to; null for any other pod.</summary>
    public static string? VmiUid(Pod pod) => pod.Metadata.Labels?.TryGetValue(Labels.CreatedBy, out var uid) is true ? uid : null;

    public static PodObservation Of(Pod pod)
    {
        var statuses = (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []).ToList();
        var waiting = statuses.Select(s => s.State?.Waiting).FirstOrDefault(w => w?.Reason is not (null or "PodInitializing" or "ContainerCreating"));
        var compute = pod.Spec?.Containers?.FirstOrDefault(c => c.Name == Compute);
        var terminated = statuses.FirstOrDefault(s => s.Name == Compute)?.State?.Terminated;
        return new PodObservation(
            pod.Metadata.Name!, pod.Metadata.Uid!, pod.Spec?.NodeName, pod.Status?.Phase ?? "Pending",
            HasStarted(pod), pod.Metadata.DeletionTimestamp is not null,
            [.. (pod.Status?.PodIPs ?? []).Select(ip => ip.Ip).OfType<string>()], pod.Status?.QosClass,
            Condition(pod, "PodScheduled"), Condition(pod, "Ready"), waiting?.Reason, waiting?.Message,
            terminated is null ? pod.Status?.Message : $"virt-launcher ended with exit code {terminated.ExitCode}: {terminated.Message?.Trim()}",
            compute?.Image,
            Condition(pod, Conditions.VirtualMachineUnpaused), pod.Metadata.ResourceVersion,
            pod.Metadata.Annotations?.ContainsKey(Annotations.EvictionInProgress) is true)
        {
            EndedAt = terminated?.FinishedAt,
            Limits = PodRoom.Limits(compute?.Resources),
            HasOtherContainers = pod.Spec?.Containers is { Count: > 1 },
            ContainersReady = Condition(pod, "ContainersReady")?.Status == "True",
            Evict = pod.Metadata.Annotations?.GetValueOrDefault(Annotations.Evict),
            PreferNoEviction = pod.Metadata.Annotations?.GetValueOrDefault(Annotations.PreferNoEviction),
            Networks = pod.Metadata.Annotations?.GetValueOrDefault(LauncherNetworks.Multus),
            NetworkStatus = pod.Metadata.Annotations?.GetValueOrDefault(LauncherNetworks.MultusStatus),
            NetworkInfo = pod.Metadata.Annotations?.GetValueOrDefault(NetworkInfo.Annotation),
            AttachedDevices = LauncherNetworks.Devices(pod.Metadata.Annotations?.GetValueOrDefault(LauncherNetworks.MultusStatus)),
        };
    }

    /// <summary>The launcher's container need not be ready, only run: its probes may be of the guest, which is still to be started.</summary>
    private static bool HasStarted(Pod pod) => pod.Status?.ContainerStatuses is { Count: > 0 } statuses
        ? pod.Status.Phase == "Running" && statuses.All(s => s.Name == Compute ? s.State?.Running is not null : s.Ready is true)
        : Condition(pod, "ContainersReady")?.Status == "True";

    private static PodConditionObservation? Condition(Pod pod, string type) =>
        pod.Status?.Conditions?.FirstOrDefault(c => c.Type == type) is { } c ? new PodConditionObservation(c.Status ?? "Unknown", c.Reason, c.Message, c.LastTransitionTime) : null;
}
