using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.Parity;

/// <summary>A cluster with the objects that a case brings along, often none.</summary>
public sealed class CaseCluster(JsonElement? objects) : IClusterObjects
{
    private readonly List<JsonElement> _objects = objects is { } given ? [.. given.EnumerateArray()] : [];

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject =>
        Task.FromResult(Of<T>(ns).FirstOrDefault(o => o.Metadata.Name == name));

    public Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject =>
        Task.FromResult<IReadOnlyList<T>>([.. Of<T>(ns)]);

    public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct) => Task.FromResult<JsonElement?>(null);

    public Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject =>
        throw new InvalidOperationException($"{name} is not to be changed");

    private IEnumerable<T> Of<T>(string? ns) where T : KubeObject => _objects.Where(o => o.GetProperty("kind").GetString() == typeof(T).Name)
        .Select(o => (T)o.Deserialize(typeof(T), ApiJson.Default)!).Where(o => ns is null || o.Metadata.Namespace == ns);
}
