using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>An API server in memory: names are unique, versions grow, merge patches merge, finalizers hold. It writes down what was asked of it.</summary>
internal sealed class RecordingApi : IKubeClient
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Type, string), JsonObject> _objects = [];
    private int _version = 100;

    /// <summary>Each write in the form `create VirtualMachineInstance web` or `patch VirtualMachine/status web`.</summary>
    public ConcurrentQueue<string> Writes { get; } = [];

    /// <summary>Says of a write, in the form above, why it is refused; null lets it be.</summary>
    public Func<string, string?>? Refuse { get; set; }

    /// <summary>Kinds of which this server knows nothing.</summary>
    public HashSet<Type> NotServed { get; } = [];

    /// <summary>Told of each new version of an object; deleted ones last, with their last version.</summary>
    public event Action<KubeObject, bool>? Changed;

    public T Put<T>(T obj) where T : KubeObject => Store<T>(Json(obj));

    public Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => Task.FromResult(Find<T>(name) ?? throw Refused(404, "NotFound", name));

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => NotServed.Contains(typeof(T))
        ? throw new KubeException(new Status { Code = 404, Reason = "NotFound", Message = "the server could not find the requested resource" })
        : Task.FromResult(Find<T>(name));

    public Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject
    {
        lock (_gate)
            return Task.FromResult(new KubeList<T> { Metadata = new ListMeta { ResourceVersion = $"{_version}" }, Items = [.. _objects.Where(o => o.Key.Item1 == typeof(T)).Select(o => Model<T>(o.Value)).Where(o => Selected(o, query?.LabelSelector))] });
    }

    public Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject
    {
        if (obj.Metadata is { Name: null, GenerateName: { } prefix })
            obj = obj with { Metadata = obj.Metadata with { Name = $"{prefix}{Interlocked.Increment(ref _version)}" } };
        Write($"create {typeof(T).Name} {obj.Metadata.Name}");
        if (Find<T>(obj.Metadata.Name!) is not null)
            throw Refused(409, "AlreadyExists", obj.Metadata.Name!);
        return Task.FromResult(Store<T>(Json(obj with { Metadata = obj.Metadata with { Uid = $"{typeof(T).Name}-{Interlocked.Increment(ref _version)}", Generation = 1 } })));
    }

    public Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default) where T : KubeObject
    {
        Writes.Enqueue($"patch {typeof(T).Name}{(subresource is null ? "" : "/" + subresource)} {name}");
        lock (_gate)
        {
            if (!_objects.TryGetValue((typeof(T), name), out var current))
                throw Refused(404, "NotFound", name);
            if (patch["metadata"]?["resourceVersion"] is { } version && (string?)version != (string?)current["metadata"]!["resourceVersion"])
                throw Refused(409, "Conflict", name);
            var merged = current.DeepClone().AsObject();
            Merge(merged, patch.AsObject());
            return Task.FromResult(Store<T>(merged));
        }
    }

    public Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject
    {
        Write($"delete {typeof(T).Name} {name}");
        if (Find<T>(name) is not { } obj)
            throw Refused(404, "NotFound", name);
        Store<T>(Json(obj with { Metadata = obj.Metadata with { DeletionTimestamp = obj.Metadata.DeletionTimestamp ?? MachineSamples.Now } }));
        return Task.CompletedTask;
    }

    public Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject
    {
        Writes.Enqueue($"delete all {typeof(T).Name} {query.LabelSelector} {query.FieldSelector}");
        return Task.CompletedTask;
    }

    /// <summary>From now on; what was there before is told once more.</summary>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, [EnumeratorCancellation] CancellationToken ct) where T : KubeObject
    {
        var events = Channel.CreateUnbounded<WatchEvent<T>>();
        void Tell(KubeObject obj, bool gone)
        {
            if (obj is T typed)
                events.Writer.TryWrite(new(gone ? WatchEventType.Deleted : WatchEventType.Modified, typed));
        }

        Changed += Tell;
        try
        {
            foreach (var obj in (await ListAsync<T>(ns, ct: ct)).Items)
                yield return new(WatchEventType.Modified, obj);
            await foreach (var e in events.Reader.ReadAllAsync(ct))
                yield return e;
        }
        finally
        {
            Changed -= Tell;
        }
    }

    public Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default) => throw new NotSupportedException();

    public Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default)
    {
        Writes.Enqueue($"post {path}");
        return Task.FromResult(obj);
    }

    public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct = default) => throw new NotSupportedException();

    public T? Find<T>(string name) where T : KubeObject
    {
        lock (_gate)
            return _objects.TryGetValue((typeof(T), name), out var json) ? Model<T>(json) : null;
    }

    public IReadOnlyList<T> All<T>() where T : KubeObject
    {
        lock (_gate)
            return [.. _objects.Where(o => o.Key.Item1 == typeof(T)).Select(o => Model<T>(o.Value))];
    }

    private void Write(string what)
    {
        Writes.Enqueue(what);
        if (Refuse?.Invoke(what) is { } why)
            throw new KubeException(new Status { Code = 403, Reason = "Forbidden", Message = why });
    }

    private T Store<T>(JsonObject json) where T : KubeObject
    {
        T model;
        bool gone;
        lock (_gate)
        {
            json["metadata"]!["resourceVersion"] = Interlocked.Increment(ref _version).ToString(CultureInfo.InvariantCulture);
            model = Model<T>(json);
            gone = model.Metadata.DeletionTimestamp is not null && model.Metadata.Finalizers is not { Count: > 0 };
            if (gone)
                _objects.Remove((typeof(T), model.Metadata.Name!));
            else
                _objects[(typeof(T), model.Metadata.Name!)] = json;
        }

        Changed?.Invoke(model, gone);
        return model;
    }

    /// <summary>Selectors of the form `key=value`.</summary>
    private static bool Selected(KubeObject obj, string? selector) =>
        selector?.Split('=') is not [var key, var value] || (obj.Metadata.Labels?.TryGetValue(key, out var label) is true && label == value);

    private static void Merge(JsonObject into, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
                into.Remove(name);
            else if (value is JsonObject nested && into[name] is JsonObject target)
                Merge(target, nested);
            else
                into[name] = value.DeepClone();
        }
    }

    private static JsonObject Json<T>(T obj) where T : KubeObject => JsonSerializer.SerializeToNode(obj, ApiJson.Default.GetTypeInfo(typeof(T))!)!.AsObject();

    private static T Model<T>(JsonObject json) where T : KubeObject => (T)JsonSerializer.Deserialize(json, ApiJson.Default.GetTypeInfo(typeof(T))!)!;

    private static KubeException Refused(int code, string reason, string name) => new(new Status { Code = code, Reason = reason, Message = $"{name}: {reason}", Details = new StatusDetails { Name = name } });
}
