using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Tests.Support;

/// <summary>A client whose watches can be cut, and that has no connection while they are.</summary>
internal sealed class Interruptible(IKubeClient inner) : IKubeClient
{
    private readonly SemaphoreSlim _connection = new(1);
    private CancellationTokenSource _cut = new();

    /// <summary>Does something while no watch runs.</summary>
    public async Task CutAsync(Func<Task> meanwhile)
    {
        await _connection.WaitAsync();
        await _cut.CancelAsync();
        await meanwhile();
        _cut = new CancellationTokenSource();
        _connection.Release();
    }

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
        where T : KubeObject
    {
        await _connection.WaitAsync(ct);
        _connection.Release();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _cut.Token);
        await foreach (var e in inner.WatchAsync<T>(ns, query, either.Token))
            yield return e;
    }

    public Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject => inner.ListAsync<T>(ns, query, ct);

    public Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default)
        where T : KubeObject => throw new NotSupportedException();

    public Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<System.Text.Json.JsonElement?> FindRawAsync(string path, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default) => throw new NotSupportedException();
}
