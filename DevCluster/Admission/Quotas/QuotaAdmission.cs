using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>
/// Refuses what would exceed a quota of its namespace. What is let through is noted in the quota's status at once, under its version,
/// so that many at a time can't exceed it together; the quota controller counts anew afterwards.
/// </summary>
internal sealed class QuotaAdmission(ObjectStore store, QuotaReservations reservations) : IAdmissionStep
{
    public async ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Namespace.Length: > 0, Subresource: "", Object: { } obj } || request.Operation is not (Operation.Create or Operation.Update) || request.Definition.Answer is not null)
            return;
        var table = request.Definition.Table;
        var quotas = store.State.Table("/resourcequotas").All(request.Namespace).ToList();
        if (quotas.Count == 0)
            return;
        var delta = Delta(table, obj, request.OldObject);
        foreach (var quota in quotas)
            await ReserveAsync(request, quota, table, obj, delta);
    }

    private static Dictionary<string, Amount> Delta(string table, JsonObject obj, JsonObject? old)
    {
        var delta = QuotaUsage.Of(table, obj);
        foreach (var (name, before) in old is null ? [] : QuotaUsage.Of(table, old))
            delta[name] = delta.GetValueOrDefault(name) - before;
        return delta.Where(d => d.Value.Value > 0).ToDictionary();
    }

    private async Task ReserveAsync(AdmissionRequest request, StoredObject stored, string table, JsonObject obj, Dictionary<string, Amount> delta)
    {
        while (true)
        {
            var quota = stored.Parse();
            if (!QuotaScopes.Counts(quota, table, obj))
                return;
            var hard = QuotaNumbers.Hard(quota);
            if (table == "/pods" && request.Operation == Operation.Create && QuotaUsage.Missing(obj, hard.Keys).ToList() is { Count: > 0 } missing)
                throw Refused(request, $"failed quota: {stored.Name}: must specify {string.Join("; ", missing.Select(m => $"{m.Resource} for: {string.Join(",", m.Containers)}"))}");
            var asked = delta.Where(d => hard.ContainsKey(d.Key)).OrderBy(d => d.Key, StringComparer.Ordinal).ToList();
            if (asked.Count == 0)
                return;
            var used = quota.At("status", "hard").SameAs(quota.At("spec", "hard")) ? QuotaNumbers.Used(quota) : QuotaNumbers.Count(store.State, quota);
            var over = asked.Where(a => (used.GetValueOrDefault(a.Key) + a.Value).CompareTo(hard[a.Key]) > 0).Select(a => a.Key).ToList();
            if (over.Count > 0)
            {
                string List(Func<string, Amount> of) => string.Join(",", over.Select(name => $"{name}={of(name)}"));
                throw Refused(request, $"exceeded quota: {stored.Name}, requested: {List(n => delta[n])}, used: {List(n => used.GetValueOrDefault(n))}, limited: {List(n => hard[n])}");
            }
            if (request.Context.DryRun)
                return;
            foreach (var (name, amount) in asked)
                used[name] = used.GetValueOrDefault(name) + amount;
            QuotaNumbers.Write(quota, used);
            // Before the quota changes: the controller counts as soon as it does.
            if (request.Operation == Operation.Create)
                reservations.Add(stored.Uid, table, request.Name, delta);
            var result = await store.UpdateAsync(stored, ObjectBody.From(quota));
            if (result.Outcome == WriteOutcome.Done)
                return;
            reservations.Remove(stored.Uid, table, request.Name);
            if (result.Object is null)
                return;
            stored = result.Object;
        }
    }

    private static ApiException Refused(AdmissionRequest request, string why) => ApiException.Forbidden(request.Definition.Key, request.Name, why);
}
