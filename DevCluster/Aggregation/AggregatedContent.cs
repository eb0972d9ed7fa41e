using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Aggregation;

/// <summary>What aggregated servers still have of a namespace, and why that isn't known or couldn't be deleted.</summary>
internal sealed record AggregatedLeft(IReadOnlyList<string> Undiscovered, IReadOnlyList<string> Failures, IReadOnlyList<(ResourceKey Key, IReadOnlyList<string> Finalizers)> Left)
{
    public static readonly AggregatedLeft Nothing = new([], [], []);

    public bool IsNothing => Undiscovered.Count + Failures.Count + Left.Count == 0;
}

/// <summary>Empties namespaces of objects that only the servers behind APIServices know.</summary>
internal sealed class AggregatedContent(ApiAggregator aggregator)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private IEnumerable<AggregatedService> Services => aggregator.Services.Where(s => aggregator.Find(s.Group, s.Version) == s);

    public bool Any => Services.Any();

    /// <summary>All servers at once: one that hangs holds up none of the others.</summary>
    public async Task<AggregatedLeft> EmptyAsync(string ns, CancellationToken ct)
    {
        var all = await Task.WhenAll(Services.OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => EmptyAsync(s, ns, ct)));
        return new AggregatedLeft([.. all.SelectMany(a => a.Undiscovered)], [.. all.SelectMany(a => a.Failures)], [.. all.SelectMany(a => a.Left)]);
    }

    private async Task<AggregatedLeft> EmptyAsync(AggregatedService service, string ns, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        JsonArray resources;
        try
        {
            if (aggregator.Problem(service) is { } problem)
                throw new HttpRequestException(problem.Message);
            (resources, _) = await aggregator.DiscoverAsync(service, patience.Token);
        }
        catch (Exception e) when (Failed(e, ct))
        {
            return AggregatedLeft.Nothing with { Undiscovered = [$"{service.Group}/{service.Version}: stale GroupVersion discovery: {service.Group}/{service.Version}"] };
        }
        var (failures, left) = (new List<string>(), new List<(ResourceKey, IReadOnlyList<string>)>());
        foreach (var resource in resources.Where(r => r.Bool("namespaced") == true && Can(r, "delete") && r.Str("name")?.Contains('/', StringComparison.Ordinal) == false))
        {
            try
            {
                var key = new ResourceKey(service.Group, service.Version, resource.Str("name")!);
                var still = await EmptyAsync(service, key, ns, patience.Token);
                left.AddRange(still.Select(finalizers => (key, finalizers)));
                if (still.Count > 0 && still.TrueForAll(finalizers => finalizers.Count == 0))
                    failures.Add($"unexpected items still remain in namespace: {ns} for gvr: {key.Group}/{key.Version}, Resource={key.Plural}");
            }
            catch (Exception e) when (Failed(e, ct))
            {
                failures.Add(e.Message);
            }
        }
        return new AggregatedLeft([], failures, left);
    }

    /// <returns>The finalizers of each object that is still there.</returns>
    private async Task<List<IReadOnlyList<string>>> EmptyAsync(AggregatedService service, ResourceKey key, string ns, CancellationToken ct)
    {
        var collection = $"/apis/{key.Group}/{key.Version}/namespaces/{ns}/{key.Plural}";
        var options = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["propagationPolicy"] = "Background" };
        async Task<JsonObject?> Ask(HttpMethod method, string path)
        {
            var (code, body) = await aggregator.SendAsync(service, method, path, method == HttpMethod.Delete ? options : null, ct);
            return (int)code < 400 ? JsonReader.ParseObject(body)
                : code is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed ? null
                : throw new HttpRequestException(Explained(body) ?? $"{method} {path}: {(int)code}");
        }
        // Tried whatever discovery says, as Kubernetes does.
        var all = await Ask(HttpMethod.Delete, collection) is not null;
        IEnumerable<JsonNode?> items = (await Ask(HttpMethod.Get, collection)).Arr("items") ?? [];
        if (!all)
        {
            foreach (var item in items)
                await Ask(HttpMethod.Delete, $"{collection}/{item.Str("metadata", "name")}");
            items = (await Ask(HttpMethod.Get, collection)).Arr("items") ?? [];
        }
        return [.. items.Select(i => (IReadOnlyList<string>)[.. (i.Arr("metadata", "finalizers") ?? []).Select(f => f.AsString()).OfType<string>()])];
    }

    private static bool Can(JsonNode? resource, string verb) => resource.Arr("verbs")?.Any(v => v.AsString() == verb) == true;

    /// <summary>Whatever a server answers keeps no namespace from being looked at again.</summary>
    private static bool Failed(Exception e, CancellationToken ct) => e is not OperationCanceledException || !ct.IsCancellationRequested;

    private static string? Explained(byte[] body)
    {
        try
        {
            return JsonReader.ParseObject(body).Str("message");
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
