using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Tests.Support;

/// <summary>An API server that answers as the test says. Every call is in <see cref="Calls"/>.</summary>
internal sealed class ScriptedClient : IKubeClient
{
    private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

    /// <summary>`list`, `watch`, `create`, `patch` …, in order, each once.</summary>
    public ChannelReader<string> Calls => _calls.Reader;

    public Func<ListQuery, KubeList<ConfigMap>> OnList { get; set; } = _ => List("1");

    public Func<ListQuery, IAsyncEnumerable<WatchEvent<ConfigMap>>> OnWatch { get; set; } = _ => Forever();

    public Func<KubeObject, KubeObject> OnCreate { get; set; } = o => o;

    public Func<string, JsonObject, KubeObject> OnPatch { get; set; } = (_, _) => throw new NotSupportedException();

    public Func<string, KubeObject> OnGet { get; set; } = _ => throw new NotSupportedException();

    public Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject =>
        Task.FromResult(Answer("list", () => (KubeList<T>)(object)OnList(query!)));

    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, CancellationToken ct) where T : KubeObject =>
        Answer("watch", () => (IAsyncEnumerable<WatchEvent<T>>)OnWatch(query));

    public Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject => Try(() => Answer("create", () => (T)OnCreate(obj)));

    public Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default)
        where T : KubeObject => Try(() => Answer("patch", () => (T)OnPatch(name, patch.AsObject())));

    public Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => Try(() => Answer("get", () => (T)OnGet(name)));

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

    public Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<System.Text.Json.JsonElement?> FindRawAsync(string path, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default) => throw new NotSupportedException();

    public static KubeList<ConfigMap> List(string version, params ConfigMap[] items) => new()
    {
        Metadata = new ListMeta { ResourceVersion = version },
        Items = items,
    };

    public static ConfigMap Map(string name, string version, string uid = "") => new()
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Namespace = "default",
            ResourceVersion = version,
            Uid = uid.Length > 0 ? uid : name,
        },
    };

    public static KubeException Refusal(int code, string reason, string? name = null) =>
        new(new Status { Code = code, Reason = reason, Message = reason, Details = name is null ? null : new StatusDetails { Name = name } });

    /// <summary>The events, then the end of the watch.</summary>
    public static async IAsyncEnumerable<WatchEvent<ConfigMap>> Events(params WatchEvent<ConfigMap>[] events)
    {
        await Task.Yield();
        foreach (var e in events)
            yield return e;
    }

    /// <summary>The events, then an error instead of an end.</summary>
    public static async IAsyncEnumerable<WatchEvent<ConfigMap>> Failing(Exception error, params WatchEvent<ConfigMap>[] events)
    {
        await Task.Yield();
        foreach (var e in events)
            yield return e;
        throw error;
    }

    /// <summary>The events, then silence, as from a connection whose other end is gone.</summary>
    public static async IAsyncEnumerable<WatchEvent<ConfigMap>> Silent(IEnumerable<WatchEvent<ConfigMap>> events, [EnumeratorCancellation] CancellationToken ct = default)
    {
        foreach (var e in events)
            yield return e;
        await Task.Delay(Timeout.InfiniteTimeSpan, ct);
    }

    public static IAsyncEnumerable<WatchEvent<ConfigMap>> Forever() => Silent([]);

    private T Answer<T>(string call, Func<T> answer)
    {
        _calls.Writer.TryWrite(call);
        return answer();
    }

    private static async Task<T> Try<T>(Func<T> answer)
    {
        await Task.Yield();
        return answer();
    }
}
