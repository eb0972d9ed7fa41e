using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Api;

/// <summary>
/// In-process door into the API server: the very same path as an HTTP request after authentication
/// (admission, validation, storage, watch). Failures are <see cref="ApiException"/> carrying a Kubernetes Status.
/// Objects handed out are the caller's own copies.
/// </summary>
public interface IKubeApi
{
    Task<JsonObject> GetAsync(ResourceKey resource, string? ns, string name, CancellationToken ct = default);

    /// <summary>Items of one namespace, or of all namespaces when <paramref name="ns"/> is null.</summary>
    Task<ObjectList> ListAsync(ResourceKey resource, string? ns = null, ListOptions? options = null, CancellationToken ct = default);

    /// <summary>
    /// Ends when the token is cancelled, the timeout of the options is over, or the reader was too slow; an expired
    /// resourceVersion arrives as one ERROR event whose object is a Status with code 410, as over HTTP.
    /// Without a resourceVersion the current objects come first as ADDED.
    /// </summary>
    IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKey resource, string? ns, ListOptions options, CancellationToken ct);

    Task<JsonObject> CreateAsync(ResourceKey resource, string? ns, JsonObject obj, CancellationToken ct = default);

    /// <summary>A resourceVersion in <paramref name="obj"/> is the optimistic lock (409 Conflict); without one the write is unconditional.</summary>
    Task<JsonObject> UpdateAsync(ResourceKey resource, string? ns, string name, JsonObject obj, string? subresource = null, CancellationToken ct = default);

    /// <summary>For <see cref="PatchKind.Apply"/> the field manager is <c>devcluster</c> and conflicts are forced.</summary>
    Task<JsonObject> PatchAsync(ResourceKey resource, string? ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken ct = default);

    /// <summary>The object while it is still there (finalizers, grace period), otherwise a Success Status.</summary>
    Task<JsonObject?> DeleteAsync(ResourceKey resource, string? ns, string name, JsonObject? deleteOptions = null, CancellationToken ct = default);

    /// <summary>POST to a subresource, e.g. <c>binding</c> or <c>eviction</c> of pods, <c>token</c> of service accounts.</summary>
    Task<JsonObject> CreateSubresourceAsync(ResourceKey resource, string? ns, string name, string subresource, JsonObject obj, CancellationToken ct = default);
}

public enum PatchKind
{
    JsonPatch,
    MergePatch,
    StrategicMerge,
    Apply,
}

/// <summary>One served resource; <paramref name="Group"/> is empty for the core group.</summary>
public sealed record ResourceKey(string Group, string Version, string Plural)
{
    public static readonly ResourceKey Pods = new("", "v1", "pods");
    public static readonly ResourceKey Nodes = new("", "v1", "nodes");
    public static readonly ResourceKey Services = new("", "v1", "services");
    public static readonly ResourceKey Endpoints = new("", "v1", "endpoints");
    public static readonly ResourceKey Secrets = new("", "v1", "secrets");
    public static readonly ResourceKey ConfigMaps = new("", "v1", "configmaps");
    public static readonly ResourceKey Namespaces = new("", "v1", "namespaces");
    public static readonly ResourceKey ServiceAccounts = new("", "v1", "serviceaccounts");
    public static readonly ResourceKey PersistentVolumes = new("", "v1", "persistentvolumes");
    public static readonly ResourceKey PersistentVolumeClaims = new("", "v1", "persistentvolumeclaims");
    public static readonly ResourceKey Events = new("", "v1", "events");
    public static readonly ResourceKey Leases = new("coordination.k8s.io", "v1", "leases");
    public static readonly ResourceKey EndpointSlices = new("discovery.k8s.io", "v1", "endpointslices");
    public static readonly ResourceKey PodDisruptionBudgets = new("policy", "v1", "poddisruptionbudgets");
    public static readonly ResourceKey PriorityClasses = new("scheduling.k8s.io", "v1", "priorityclasses");
    public static readonly ResourceKey StorageClasses = new("storage.k8s.io", "v1", "storageclasses");
    public static readonly ResourceKey Deployments = new("apps", "v1", "deployments");
    public static readonly ResourceKey ReplicaSets = new("apps", "v1", "replicasets");
    public static readonly ResourceKey DaemonSets = new("apps", "v1", "daemonsets");
    public static readonly ResourceKey StatefulSets = new("apps", "v1", "statefulsets");
    public static readonly ResourceKey Jobs = new("batch", "v1", "jobs");
    public static readonly ResourceKey CronJobs = new("batch", "v1", "cronjobs");
    public static readonly ResourceKey CustomResourceDefinitions = new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    public static readonly ResourceKey ApiServices = new("apiregistration.k8s.io", "v1", "apiservices");

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public override string ToString() => Group.Length == 0 ? Plural : $"{Plural}.{Group}";
}

/// <summary>The query of a list or watch, spelled as in the Kubernetes API; null means "not given".</summary>
public sealed record ListOptions
{
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }
    public string? ResourceVersion { get; init; }
    public string? ResourceVersionMatch { get; init; }
    public long? Limit { get; init; }
    public string? Continue { get; init; }
    public bool AllowWatchBookmarks { get; init; }
    public bool? SendInitialEvents { get; init; }
    public int? TimeoutSeconds { get; init; }
}

public sealed record ObjectList(IReadOnlyList<JsonObject> Items, string ResourceVersion, string? Continue = null, long? RemainingItemCount = null);

/// <summary><paramref name="Type"/> is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then the object is a Status).</summary>
public sealed record WatchEvent(string Type, JsonObject Object);
