using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Machines.Instancetypes.Common;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Hosting;

/// <summary>Keeps the common instance types and preferences in the cluster; writes only what is missing or differs from ours.</summary>
public sealed class CommonInstancetypesInstaller(IKubeClient kubernetes, ILogger log)
{
    private const int Parallel = 4;

    /// <summary>Unless the KubeVirt object says `commonInstancetypesDeployment: {enabled: false}`.</summary>
    public async Task InstallAsync(CancellationToken ct)
    {
        var settings = await kubernetes.ListAsync<KubeVirt>(null, ct: ct);
        if (settings.Items.Any(k => k.Spec?.Configuration?.CommonInstancetypesDeployment?.Enabled is false))
            return;
        var written = await InstallAsync(CommonInstancetypes.All, ct) + await InstallAsync(CommonPreferences.All, ct);
        if (written > 0)
            log.LogInformation("{Count} common instance types and preferences were written", written);
    }

    private async Task<int> InstallAsync<T>(IReadOnlyList<T> wanted, CancellationToken ct) where T : KubeObject
    {
        var existing = (await kubernetes.ListAsync<T>(null, ct: ct)).Items.ToDictionary(o => o.Metadata.Name!);
        var due = wanted.Where(w => !existing.TryGetValue(w.Metadata.Name!, out var e) || !Covers(Json(e), Json(w))).ToList();
        await System.Threading.Tasks.Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = ct }, async (w, stop) =>
        {
            if (!existing.ContainsKey(w.Metadata.Name!))
                await CreateAsync(w, stop);
            else
                await kubernetes.PatchAsync<T>(null, w.Metadata.Name!, PatchType.Apply, Json(w), query: new PatchQuery(Installer.FieldManager, Force: true), ct: stop);
        });
        return due.Count;
    }

    private async Task CreateAsync<T>(T obj, CancellationToken ct) where T : KubeObject
    {
        try
        {
            await kubernetes.CreateAsync(obj, ct);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // Another replica was quicker; it makes the same.
        }
    }

    /// <summary>Everything that ours says stands in what there is; users may add labels of their own.</summary>
    internal static bool Covers(JsonNode? existing, JsonNode? wanted) => (existing, wanted) switch
    {
        (JsonObject e, JsonObject w) => w.All(m => Covers(e[m.Key], m.Value)),
        _ => JsonNode.DeepEquals(existing, wanted),
    };

    private static JsonObject Json<T>(T obj) where T : KubeObject => JsonSerializer.SerializeToNode(obj, ApiJson.Default.GetTypeInfo(typeof(T))!)!.AsObject();
}
