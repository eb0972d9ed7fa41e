using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Looks whether the servers behind APIServices answer, keeps their discovery and says so in the Available condition.</summary>
internal sealed class ApiServiceController(ObjectStore store, ApiAggregator aggregator, IKubeApi api, TimeProvider time, ILogger log) : Controller(store, log)
{
    private const string Slices = "discovery.k8s.io/endpointslices";
    private static readonly TimeSpan WhileDown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WhileUp = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, CancellationTokenSource> _checks = [];

    protected override bool Interested(StoreEvent e) => e.Object.Table is ApiAggregator.Table or "/services" or "/endpoints" or Slices;

    protected override Task StartAsync(CancellationToken ct)
    {
        foreach (var service in aggregator.Services)
            Begin(service.Name, ct);
        return Task.CompletedTask;
    }

    protected override async Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        if (e.Object.Table != ApiAggregator.Table)
        {
            await RecheckAsync(e.Object, ct);
            return;
        }
        var same = e.Previous is not null && e.Type == StoreEventType.Modified && e.Previous.Parse().At("spec").SameAs(e.Object.Parse().At("spec"));
        if (same)
            return;
        if (_checks.Remove(e.Object.Name, out var running))
            await running.CancelAsync();
        if (e.Type != StoreEventType.Deleted)
            Begin(e.Object.Name, ct);
    }

    /// <summary>A service or its endpoints changed: the APIServices on it are looked at now and not when their turn comes.</summary>
    private async Task RecheckAsync(StoredObject changed, CancellationToken ct)
    {
        var name = changed.Table == Slices ? changed.Index.Labels.GetValueOrDefault("kubernetes.io/service-name") : changed.Name;
        foreach (var service in aggregator.Services.Where(s => s.Namespace == changed.Namespace && s.Service == name).ToList())
        {
            if (_checks.Remove(service.Name, out var running))
                await running.CancelAsync();
            Begin(service.Name, ct);
        }
    }

    private void Begin(string name, CancellationToken ct)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _checks[name] = stop;
        _ = CheckAsync(name, stop.Token);
    }

    private async Task CheckAsync(string name, CancellationToken ct)
    {
        try
        {
            // A local one never changes, and has its condition from the start.
            while (aggregator.Services.Any(s => s.Name == name))
            {
                var up = await OnceAsync(name, ct);
                await Task.Delay(up ? WhileUp : WhileDown, time, ct);
            }
        }
        catch (OperationCanceledException)
        {
            // The APIService changed or the server stops.
        }
    }

    private async Task<bool> OnceAsync(string name, CancellationToken ct)
    {
        var service = aggregator.Services.FirstOrDefault(s => s.Name == name);
        if (service is null)
            return true;
        if (aggregator.Problem(service) is { } problem)
        {
            await ReportAsync(name, false, problem.Reason, problem.Message, ct);
            return false;
        }
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            var (resources, openApiUrl) = await aggregator.DiscoverAsync(service, limit.Token);
            aggregator.SetDiscovered(service, resources, openApiUrl);
            await ReportAsync(name, true, "Passed", "all checks passed", ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            var address = $"https://{service.Service}.{service.Namespace}.svc:{service.Port}/apis/{service.Group}/{service.Version}";
            var why = e is HttpRequestException { InnerException: null } ? e.Message : $"failing or missing response from {address}: Get \"{address}\": {e.InnerException?.Message ?? e.Message}";
            await ReportAsync(name, false, "FailedDiscoveryCheck", why, ct);
            return false;
        }
    }

    private async Task ReportAsync(string name, bool available, string reason, string message, CancellationToken ct)
    {
        var status = available ? "True" : "False";
        try
        {
            var obj = await api.GetAsync(ResourceKey.ApiServices, null, name, ct);
            var old = obj.Arr("status", "conditions")?.FirstOrDefault(c => c.Str("type") == "Available");
            if (old.Str("status") == status && old.Str("reason") == reason && old.Str("message") == message)
                return;
            await api.PatchAsync(ResourceKey.ApiServices, null, name, PatchKind.MergePatch, new JsonObject
            {
                ["status"] = new JsonObject
                {
                    ["conditions"] = new JsonArray(new JsonObject
                    {
                        ["type"] = "Available",
                        ["status"] = status,
                        ["reason"] = reason,
                        ["message"] = message,
                        ["lastTransitionTime"] = old.Str("status") == status ? old.Str("lastTransitionTime") : time.GetUtcNow().Kube(),
                    }),
                },
            }, "status", ct);
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Deleted meanwhile, or seen again next time.
        }
        catch (ApiException e)
        {
            Log.LogWarning("APIService {Name}: {Message}", name, e.Message);
        }
    }
}
