using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Readiness and liveness probes.</summary>
internal static class ProbeRules
{
    public static IEnumerable<StatusCause> Handlers(InstanceContext c) =>
        [.. Handlers(c.Path["readinessProbe"], c.Spec.ReadinessProbe), .. Handlers(c.Path["livenessProbe"], c.Spec.LivenessProbe)];

    /// <summary>Kubelet can only reach a guest through the pod's own network.</summary>
    public static IEnumerable<StatusCause> NetworkProbesNeedPodNetwork(InstanceContext c) => c.Networks.Any(n => n.Pod is not null)
        ? []
        : [.. NeedPodNetwork(c.Path["readinessProbe"], c.Spec.ReadinessProbe), .. NeedPodNetwork(c.Path["livenessProbe"], c.Spec.LivenessProbe)];

    private static IEnumerable<StatusCause> Handlers(FieldPath field, Probe? probe)
    {
        if (probe is null)
            yield break;
        var handlers = new object?[] { probe.HttpGet, probe.TcpSocket, probe.Exec, probe.GuestAgentPing }.Count(h => h is not null);
        if (handlers > 1)
            yield return Cause.Invalid(field, $"{field} must have exactly one probe type set");
        if (handlers < 1)
            yield return Cause.Required(field, $"either {field["tcpSocket"]}, {field["exec"]} or {field["httpGet"]} must be set if a {field} is specified");
    }

    private static IEnumerable<StatusCause> NeedPodNetwork(FieldPath field, Probe? probe)
    {
        if (probe?.HttpGet is not null)
            yield return Cause.Invalid(field["httpGet"], $"{field["httpGet"]} is only allowed if the Pod Network is attached");
        if (probe?.TcpSocket is not null)
            yield return Cause.Invalid(field["tcpSocket"], $"{field["tcpSocket"]} is only allowed if the Pod Network is attached");
    }
}
