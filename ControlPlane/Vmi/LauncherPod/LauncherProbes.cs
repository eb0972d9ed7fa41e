using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>Probes of the guest: kubelet sends them through the pod's network, or has the launcher ask the guest agent.</summary>
internal static class LauncherProbes
{
    /// <summary>Seconds that a guest needs before it can answer at all.</summary>
    private const int BootDelay = 10;

    /// <summary>Kubernetes' default of a probe's timeout, in seconds.</summary>
    private const int DefaultTimeout = 1;

    public static ContainerProbe? Of(Probe? probe)
    {
        var command = Command(probe);
        return probe is null || (command is null && probe is { HttpGet: null, TcpSocket: null }) ? null : new ContainerProbe
        {
            HttpGet = probe.HttpGet,
            TcpSocket = probe.TcpSocket,
            Exec = command is null ? null : new ExecAction { Command = command },
            InitialDelaySeconds = (probe.InitialDelaySeconds ?? 0) + BootDelay,
            // The launcher's own time is not the guest's.
            TimeoutSeconds = command is null ? probe.TimeoutSeconds : Timeout(probe) + 1,
            PeriodSeconds = probe.PeriodSeconds,
            SuccessThreshold = probe.SuccessThreshold,
            FailureThreshold = probe.FailureThreshold,
        };
    }

    private static IReadOnlyList<string>? Command(Probe? probe) => probe switch
    {
        { GuestAgentPing: not null } => ["/usr/bin/virt-launcher", "--probe", $"{Timeout(probe)}"],
        { Exec.Command: { Count: > 0 } command } => ["/usr/bin/virt-launcher", "--probe", $"{Timeout(probe)}", .. command],
        _ => null,
    };

    private static int Timeout(Probe probe) => probe.TimeoutSeconds is > 0 and var set ? (int)set : DefaultTimeout;
}
