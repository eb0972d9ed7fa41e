using Troupe.DevCluster.Admission.Quotas;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Keeps status.used of ResourceQuotas true: counts anew whenever something in their namespace comes, goes or changes.</summary>
internal sealed class QuotaController(ObjectStore store, IKubeApi api, QuotaReservations reservations, ILogger log) : Controller(store, log)
{
    private const string Table = "/resourcequotas";
    private static readonly ResourceKey Key = new("", "v1", "resourcequotas");

    protected override bool Interested(StoreEvent e) =>
        e.Object.Namespace.Length > 0 && e.Object.Table != "/events" && Store.State.Table(Table).All(e.Object.Namespace).Any();

    protected override async Task StartAsync(CancellationToken ct)
    {
        foreach (var quota in Store.State.Table(Table).All().ToList())
            await CountAsync(quota, ct);
    }

    protected override async Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        foreach (var quota in Store.State.Table(Table).All(e.Object.Namespace).ToList())
            await CountAsync(quota, ct);
    }

    private async Task CountAsync(StoredObject stored, CancellationToken ct)
    {
        var quota = stored.Parse();
        var counted = quota.Copy();
        var state = Store.State;
        var used = QuotaNumbers.Count(state, quota);
        reservations.AddTo(used, stored, state);
        QuotaNumbers.Write(counted, used);
        if (counted["status"].SameAs(quota["status"]))
            return;
        try
        {
            await api.UpdateAsync(Key, stored.Namespace, stored.Name, counted, "status", ct);
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Gone, or changed meanwhile: that is another event.
        }
    }
}
