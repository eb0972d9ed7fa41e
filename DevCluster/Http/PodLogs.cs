using System.Globalization;
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
            stored.Namespace, stored.Name, PodContainers.Choose(pod, query["container"].ToString()),
            Flag("follow"), Number("tailLines"), Number("sinceSeconds"), Number("limitBytes"), Flag("timestamps"), Flag("previous"), SinceTime());
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

        DateTimeOffset? SinceTime() => query["sinceTime"].ToString() is not { Length: > 0 } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var at) ? at
            : throw ApiException.BadRequest($"sinceTime: \"{text}\" is not a time in RFC 3339");
        bool Flag(string name) => query[name].ToString() is "true" or "1";
        long? Number(string name) => long.TryParse(query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
    }
}
