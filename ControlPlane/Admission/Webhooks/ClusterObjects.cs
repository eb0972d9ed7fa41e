using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>Other objects, asked from the API server.</summary>
public sealed class ClusterObjects(IKubeClient kubernetes) : IClusterObjects
{
    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject =>
        name.Length == 0 ? Task.FromResult<T?>(null) : kubernetes.FindAsync<T>(ns, name, ct);

    public async Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject
    {
        try
        {
            return (await kubernetes.ListAsync<T>(ns, labelSelector is null ? null : new ListQuery(LabelSelector: labelSelector), ct)).Items;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // The kind itself is not installed.
            return [];
        }
    }

    public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct) => kubernetes.FindRawAsync(path, ct);

    public Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject =>
        kubernetes.PatchAsync<T>(ns, name, PatchType.Json, patch, query: new PatchQuery(DryRun: dryRun), ct: ct);
}
