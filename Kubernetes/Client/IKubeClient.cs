using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Client;

/// <summary>Typed calls to a Kubernetes API server. Refusals are <see cref="KubeException"/>; a broken connection is <see cref="HttpRequestException"/>.</summary>
public interface IKubeClient
{
    Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject;

    /// <summary>Null when there is no such object.</summary>
    Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject;

    Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject;

    /// <summary>
    /// Ends when the server ends the watch. An ERROR event arrives as <see cref="KubeException"/>; 410 means that the resourceVersion is
    /// forgotten and the caller must list again.
    /// </summary>
    IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, CancellationToken ct) where T : KubeObject;

    Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject;

    Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default) where T : KubeObject;

    Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject;

    /// <summary>One request for all that a list with this query would show.</summary>
    Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject;

    /// <summary>Server-side apply of an object whose kind has no C# model here; <paramref name="path"/> is its whole API path.</summary>
    Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default);

    /// <summary>GET of an object whose kind has no C# model here; null when it, or its kind, is not there.</summary>
    Task<JsonElement?> FindRawAsync(string path, CancellationToken ct = default);

    /// <summary>POST of a review object (SubjectAccessReview …); the answer comes back whole.</summary>
    Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default);
}

public enum PatchType
{
    Merge,
    Json,
    StrategicMerge,
    Apply,
}

/// <summary>Query of a list or watch; null means "not given".</summary>
public sealed record ListQuery(
    string? LabelSelector = null, string? FieldSelector = null, int? Limit = null, string? Continue = null,
    string? ResourceVersion = null, int? TimeoutSeconds = null, bool AllowBookmarks = false);

/// <param name="FieldManager">For <see cref="PatchType.Apply"/>, as <paramref name="Force"/> is.</param>
public sealed record PatchQuery(string? FieldManager = null, bool Force = false, bool DryRun = false);

public sealed record DeleteQuery(string? Uid = null, long? GracePeriodSeconds = null, string? PropagationPolicy = null);

public enum WatchEventType
{
    Added,
    Modified,
    Deleted,
    Bookmark,
}

/// <param name="Type">A bookmark carries no object of interest but its resourceVersion.</param>
public sealed record WatchEvent<T>(WatchEventType Type, T Object) where T : KubeObject;

/// <summary>The API server refused a request.</summary>
public sealed class KubeException(Status status) : Exception(status.Message ?? status.Reason ?? $"HTTP {status.Code}")
{
    public Status Status { get; } = status;
    public int Code => Status.Code ?? 0;
    public string Reason => Status.Reason ?? "";

    /// <summary>The object does not exist. A path that is not served (a CRD not yet established, say) is a 404 as well, but names no object.</summary>
    public bool IsNotFound => Code == 404 && Status.Details?.Name is { Length: > 0 };

    /// <summary>The server does not know objects of this kind: what brings them is not installed.</summary>
    public bool IsNotServed => Code == 404 && !IsNotFound;
    public bool IsConflict => Code == 409;
    public bool IsGone => Code == 410;

    /// <summary>Worth another try with the same request: throttling, overload, a conflict that a merge patch does not see again.</summary>
    public bool IsTransient => Code is 409 or 429 or >= 500;
}
