using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The kubelet's (and scheduler's) events about pods; a repeated one only raises the count of the first.</summary>
internal sealed class PodEvents(IKubeApi api, string component, string host, TimeProvider time, ILogger log)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string, string, string), (string Name, int Count)> known = [];

    public void Record(Pod pod, string type, string reason, string message) => _ = WriteAsync(pod, type, reason, message);

    private async Task WriteAsync(Pod pod, string type, string reason, string message)
    {
        var now = time.GetUtcNow();
        var key = (pod.Uid, reason, message);
        string name;
        int count;
        lock (gate)
        {
            (name, count) = known.TryGetValue(key, out var old) ? (old.Name, old.Count + 1) : ($"{pod.Name}.{now.UtcTicks:x}", 1);
            known[key] = (name, count);
            if (known.Count > 4096)
                known.Clear();
        }

        try
        {
            if (count > 1)
            {
                await api.PatchAsync(ResourceKey.Events, pod.Namespace, name, PatchKind.MergePatch, new JsonObject { ["count"] = count, ["lastTimestamp"] = KubeJson.Time(now) });
                return;
            }

            await api.CreateAsync(ResourceKey.Events, pod.Namespace, new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Event",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = pod.Namespace },
                ["involvedObject"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Name, ["namespace"] = pod.Namespace, ["uid"] = pod.Uid },
                ["type"] = type, ["reason"] = reason, ["message"] = message, ["count"] = count,
                ["firstTimestamp"] = KubeJson.Time(now), ["lastTimestamp"] = KubeJson.Time(now),
                ["source"] = new JsonObject { ["component"] = component, ["host"] = host },
                ["reportingComponent"] = component, ["reportingInstance"] = host,
            });
        }
        catch (ApiException refused)
        {
            log.LogDebug("event {Reason} about pod {Pod}: {Error}", reason, pod.Key, refused.Message);
        }
    }
}
