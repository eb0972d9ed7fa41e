using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes;

/// <summary>Writes events in the name of one component; a repeated one only raises the count of the first.</summary>
internal sealed class EventRecorder(IKubeApi api, string component, string host, TimeProvider time, ILogger log)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string, string, string), (string Name, int Count)> known = [];

    public void Record(Pod pod, string type, string reason, string message) => Record("v1", "Pod", pod.Metadata, type, reason, message);

    /// <summary>Events about cluster-scoped objects go to the namespace default, as in Kubernetes.</summary>
    public void Record(string apiVersion, string kind, ObjectMeta about, string type, string reason, string message) =>
        _ = WriteAsync(apiVersion, kind, about, type, reason, message);

    private async Task WriteAsync(string apiVersion, string kind, ObjectMeta about, string type, string reason, string message)
    {
        var now = time.GetUtcNow();
        var key = (about.Uid, reason, message);
        var ns = about.Namespace.Length > 0 ? about.Namespace : "default";
        string name;
        int count;
        lock (gate)
        {
            (name, count) = known.TryGetValue(key, out var old) ? (old.Name, old.Count + 1) : ($"{about.Name}.{now.UtcTicks:x}", 1);
            known[key] = (name, count);
            if (known.Count > 4096)
                known.Clear();
        }

        try
        {
            if (count > 1)
            {
                await api.PatchAsync(ResourceKey.Events, ns, name, PatchKind.MergePatch, new JsonObject { ["count"] = count, ["lastTimestamp"] = KubeJson.Time(now) });
                return;
            }

            await api.CreateAsync(ResourceKey.Events, ns, new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Event",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
                ["involvedObject"] = Reference(apiVersion, kind, about),
                ["type"] = type,
                ["reason"] = reason,
                ["message"] = message,
                ["count"] = count,
                ["firstTimestamp"] = KubeJson.Time(now),
                ["lastTimestamp"] = KubeJson.Time(now),
                ["source"] = new JsonObject { ["component"] = component, ["host"] = host },
                ["reportingComponent"] = component,
                ["reportingInstance"] = host,
            });
        }
        catch (ApiException refused)
        {
            log.LogDebug("event {Reason} about {Kind} {Name}: {Error}", reason, kind, about.Name, refused.Message);
        }
    }

    private static JsonObject Reference(string apiVersion, string kind, ObjectMeta about)
    {
        var reference = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind, ["name"] = about.Name, ["uid"] = about.Uid, ["resourceVersion"] = about.ResourceVersion };
        if (about.Namespace.Length > 0)
            reference["namespace"] = about.Namespace;
        return reference;
    }
}
