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
    private static readonly TimeSpan WhileDown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WhileUp = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, CancellationTokenSource> _checks = [];

    protected override bool Interested(StoreEvent e) => e.Object.Table == ApiAggregator.Table;

    protected override Task StartAsync(CancellationToken ct)
    {
        foreach (var service in aggregator.Services)
            Begin(service.Name, ct);
        return Task.CompletedTask;
    }

    protected override async Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        var same = e.Previous is not null && e.Type == StoreEventType.Modified && e.Previous.Parse().At("spec").SameAs(e.Object.Parse().At("spec"));
        if (same)
            return;
        if (_checks.Remove(e.Object.Name, out var running))
            await running.CancelAsync();
        if (e.Type != StoreEventType.Deleted)
            Begin(e.Object.Name, ct);
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
            while (true)
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
        {
            await ReportAsync(name, true, "Local", "Local APIServices are always available", ct);
            return true;
        }
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            aggregator.SetResources(service, await aggregator.DiscoverAsync(service, limit.Token));
            await ReportAsync(name, true, "Passed", "all checks passed", ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            var (reason, message) = e is ApiException refused
                ? (refused.Message.Contains("not found", StringComparison.Ordinal) ? "ServiceNotFound" : "MissingEndpoints", refused.Message)
                : e.InnerException is ApiException inner ? ("MissingEndpoints", inner.Message)
                : ("FailedDiscoveryCheck", $"failing or missing response from {service.Service}.{service.Namespace}: {e.InnerException?.Message ?? e.Message}");
            await ReportAsync(name, false, reason, message, ct);
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
            if (old.Str("status") == status && old.Str("reason") == reason)
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
                        ["lastTransitionTime"] = time.GetUtcNow().Kube(),
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
