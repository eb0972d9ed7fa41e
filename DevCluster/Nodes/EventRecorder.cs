using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes;

/// <summary>Writes core/v1 Events in the background; a repeated event raises the count of the first one.</summary>
public sealed class EventRecorder : IAsyncDisposable
{
    private const int MostRemembered = 4096;

    private sealed record Entry(Pod Pod, string Type, string Reason, string Message, string Host, string Container, DateTimeOffset At);

    private readonly IKubeApi api;
    private readonly string component;
    private readonly TimeProvider time;
    private readonly ILogger log;
    // Events are a courtesy: when the API is slower than the events, the newest are dropped rather than memory filled.
    private readonly Channel<Entry> queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, (string Name, int Count)> known = [];
    private readonly Task writer;

    public EventRecorder(IKubeApi api, string component, TimeProvider time, ILogger log)
    {
        (this.api, this.component, this.time, this.log) = (api, component, time, log);
        writer = Task.Run(WriteAllAsync);
    }

    public void Normal(Pod pod, string reason, string message, string host = "", string container = "") => Record(pod, "Normal", reason, message, host, container);

    public void Warning(Pod pod, string reason, string message, string host = "", string container = "") => Record(pod, "Warning", reason, message, host, container);

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await writer;
    }

    private void Record(Pod pod, string type, string reason, string message, string host, string container) =>
        queue.Writer.TryWrite(new Entry(pod, type, reason, message, host, container, time.GetUtcNow()));

    private async Task WriteAllAsync()
    {
        await foreach (var entry in queue.Reader.ReadAllAsync())
        {
            try
            {
                await WriteAsync(entry);
            }
            catch (ApiException refused)
            {
                // The usual cause is a namespace that is being deleted.
                log.LogDebug("Event {Reason} for pod {Pod} was refused: {Error}", entry.Reason, entry.Pod.Key, refused.Message);
            }
            catch (Exception failure)
            {
                log.LogWarning(failure, "Event {Reason} for pod {Pod} was not written", entry.Reason, entry.Pod.Key);
            }
        }
    }

    private async Task WriteAsync(Entry entry)
    {
        var key = $"{entry.Pod.Uid}|{entry.Type}|{entry.Reason}|{entry.Container}|{entry.Message}";
        if (known.TryGetValue(key, out var earlier))
        {
            known[key] = earlier with { Count = earlier.Count + 1 };
            var patch = new JsonObject { ["count"] = earlier.Count + 1, ["lastTimestamp"] = KubeJson.Time(entry.At) };
            try
            {
                await api.PatchAsync(ResourceKey.Events, entry.Pod.Namespace, earlier.Name, PatchKind.MergePatch, patch);
                return;
            }
            catch (ApiException gone) when (gone.Code == 404)
            {
                known.Remove(key);
            }
        }
        var name = $"{entry.Pod.Name}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        await api.CreateAsync(ResourceKey.Events, entry.Pod.Namespace, ToObject(entry, name));
        if (known.Count >= MostRemembered) known.Clear();
        known[key] = (name, 1);
    }

    private JsonObject ToObject(Entry entry, string name)
    {
        var involved = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["namespace"] = entry.Pod.Namespace,
            ["name"] = entry.Pod.Name,
            ["uid"] = entry.Pod.Uid,
            ["resourceVersion"] = entry.Pod.Metadata.ResourceVersion,
        };
        if (entry.Container.Length > 0) involved["fieldPath"] = $"spec.containers{{{entry.Container}}}";
        var source = new JsonObject { ["component"] = component };
        if (entry.Host.Length > 0) source["host"] = entry.Host;
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = entry.Pod.Namespace },
            ["involvedObject"] = involved,
            ["type"] = entry.Type,
            ["reason"] = entry.Reason,
            ["message"] = entry.Message,
            ["source"] = source,
            ["reportingComponent"] = component,
            ["reportingInstance"] = entry.Host,
            ["count"] = 1,
            ["firstTimestamp"] = KubeJson.Time(entry.At),
            ["lastTimestamp"] = KubeJson.Time(entry.At),
        };
    }
}
