using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The condition behind the pod's readiness gate: a guest that does not run takes no traffic from Services.</summary>
internal static class UnpausedGate
{
    /// <summary>A strategic merge patch of the pod's status; conditions merge by type, so kubelet's own stay.</summary>
    public static JsonObject Patch(bool unpaused, DateTimeOffset now) => new()
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = Conditions.VirtualMachineUnpaused,
                ["status"] = unpaused ? "True" : "False",
                ["reason"] = unpaused ? "NotPaused" : "Paused",
                ["message"] = unpaused ? "the virtual machine is not paused" : "the virtual machine is paused",
                ["lastProbeTime"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
                ["lastTransitionTime"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            }),
        },
    };
}
