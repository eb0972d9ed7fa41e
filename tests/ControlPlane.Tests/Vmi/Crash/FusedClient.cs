using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>How a call goes wrong.</summary>
internal enum Failure
{
    Conflict,
    NotFound,
    Internal,
    /// <summary>It never reached the server.</summary>
    NoConnection,
    /// <summary>The server did it; the answer was lost.</summary>
    LostAnswer,
}

/// <summary>The API as one incarnation of the actor sees it: through its fuse, and with failures as told.</summary>
/// <param name="fail">Asked before each call by its name, for example `create Pod`.</param>
internal sealed class FusedClient(ScriptedApi api, Fuse fuse, Func<string, Failure?> fail) : IKubeClient
{
    public Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject =>
        Task.FromResult(api.Find<T>(name) ?? throw ScriptedApi.NotFound(name));

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => Task.FromResult(api.Find<T>(name));

    public Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject => obj switch
    {
        Pod pod => Call<T>("create Pod", () => (T)(object)api.CreatePod(pod), ct),
        // Events are written by the recorder, which is not the actor.
        Event e => Task.FromResult((T)(object)e),
        _ => throw new NotSupportedException(typeof(T).Name),
    };

    public Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default)
        where T : KubeObject => (typeof(T), type, subresource) switch
        {
            (var t, PatchType.Merge, null) when t == typeof(VirtualMachineInstance) => Call<T>("patch VirtualMachineInstance", () => (T)(object)api.PatchVmi(patch.AsObject()), ct),
            (var t, PatchType.StrategicMerge, "status") when t == typeof(Pod) => Call<T>("patch Pod/status", () => (T)(object)api.PatchPodStatus(name, patch.AsObject()), ct),
            (var t, _, _) when t == typeof(Event) => Task.FromResult((T)(object)new Event()),
            _ => throw new NotSupportedException($"{type} of {typeof(T).Name}/{subresource}"),
        };

    public async Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject =>
        await Call("delete Pod", () =>
        {
            api.DeletePod(name, query?.Uid);
            return true;
        }, ct);

    public Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, CancellationToken ct) where T : KubeObject => throw new NotSupportedException();

    public Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<System.Text.Json.JsonElement?> FindRawAsync(string path, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default) => throw new NotSupportedException();

    private async Task<T> Call<T>(string name, Func<T> server, CancellationToken ct)
    {
        var failure = fail(name);
        T? answer = default;
        Exception? refusal = null;
        var heard = fuse.Pass(name, () =>
        {
            if (failure is not (null or Failure.LostAnswer))
                return;
            try
            {
                answer = server();
            }
            catch (KubeException e)
            {
                refusal = e;
            }
        });
        if (!heard)
        {
            // Nobody hears the answer: the caller is dead.
            await Task.Delay(Timeout.InfiniteTimeSpan, ct);
        }

        refusal ??= failure switch
        {
            Failure.Conflict => ScriptedApi.Conflict(name),
            // What a server says while it does not serve the kind: it names no object.
            Failure.NotFound => new KubeException(new Status { Code = 404, Reason = "NotFound", Message = "the server could not find the requested resource" }),
            Failure.Internal => new KubeException(new Status { Code = 500, Reason = "InternalError", Message = "etcdserver: request timed out" }),
            Failure.NoConnection => new HttpRequestException("connection refused"),
            Failure.LostAnswer => new HttpRequestException($"{name} was not answered in 30 s"),
            _ => null,
        };
        return refusal is null ? answer! : throw refusal;
    }
}
