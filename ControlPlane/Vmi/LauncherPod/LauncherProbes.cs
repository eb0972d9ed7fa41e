using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>Probes that kubelet sends through the pod's network to the guest. Those through the guest agent are not the pod's.</summary>
internal static class LauncherProbes
{
    /// <summary>Seconds that a guest needs before it can answer at all.</summary>
    private const int BootDelay = 10;

    public static ContainerProbe? Of(Probe? probe) => probe is not { HttpGet: not null } and not { TcpSocket: not null } ? null : new ContainerProbe
    {
        HttpGet = probe.HttpGet,
        TcpSocket = probe.TcpSocket,
        InitialDelaySeconds = (probe.InitialDelaySeconds ?? 0) + BootDelay,
        TimeoutSeconds = probe.TimeoutSeconds,
        PeriodSeconds = probe.PeriodSeconds,
        SuccessThreshold = probe.SuccessThreshold,
        FailureThreshold = probe.FailureThreshold,
    };
}
