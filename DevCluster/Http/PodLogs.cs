using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Http;

/// <summary>The log subresource of pods; the bytes come from whoever runs the pods.</summary>
internal sealed class PodLogs
{
    public IPodLogSource? Source { get; set; }

    public async Task ServeAsync(HttpContext context, StoredObject stored)
    {
        var query = context.Request.Query;
        var pod = stored.Parse();
        var request = new PodLogRequest(
            stored.Namespace, stored.Name, Container(pod, query["container"].ToString()),
            Flag("follow"), Number("tailLines"), Number("sinceSeconds"), Number("limitBytes"), Flag("timestamps"), Flag("previous"));
        if (Source is null || string.IsNullOrEmpty(pod.Str("spec", "nodeName")))
            throw ApiException.BadRequest($"pod {stored.Name} does not have a host assigned");
        var ct = context.RequestAborted;
        await using var chunks = Source.ReadAsync(request, ct).GetAsyncEnumerator(ct);
        // The first chunk may take for ever (follow); refusals come before it.
        var step = chunks.MoveNextAsync().AsTask();
        var more = step.IsCompleted ? await step : (bool?)null;
        context.Response.ContentType = "text/plain";
        if (more is null)
            await context.Response.Body.FlushAsync(ct);
        more ??= await step;
        while (more == true)
        {
            await context.Response.Body.WriteAsync(chunks.Current, ct);
            await context.Response.Body.FlushAsync(ct);
            more = await chunks.MoveNextAsync();
        }

        bool Flag(string name) => query[name].ToString() is "true" or "1";
        long? Number(string name) => long.TryParse(query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
    }

    private static string Container(JsonObject pod, string asked)
    {
        var names = new[] { "containers", "initContainers", "ephemeralContainers" }
            .SelectMany(list => (pod.Arr("spec", list) ?? []).Select(c => (List: list, Name: c.Str("name") ?? ""))).ToList();
        if (asked.Length > 0)
            return names.Any(n => n.Name == asked) ? asked : throw ApiException.BadRequest($"container {asked} is not valid for pod {pod.Name()}");
        var main = names.Where(n => n.List == "containers").Select(n => n.Name).ToList();
        if (pod.Str("metadata", "annotations", "kubectl.kubernetes.io/default-container") is { } preferred && main.Contains(preferred))
            return preferred;
        return main.Count == 1 ? main[0]
            : throw ApiException.BadRequest($"a container name must be specified for pod {pod.Name()}, choose one of: [{string.Join(' ', main)}]");
    }
}
