using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Resources;

/// <summary>
/// Everything the request path knows about one served version of one resource. The path itself never asks "which kind is this";
/// what is particular to a kind is data here or a <see cref="ResourceStrategy"/>.
/// </summary>
internal sealed record ResourceDefinition
{
    public static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public required ResourceKey Key { get; init; }
    public required string Kind { get; init; }
    public required bool Namespaced { get; init; }
    public string Singular { get; init; } = "";
    public string? ListKindName { get; init; }
    public string[] ShortNames { get; init; } = [];
    public string[] Categories { get; init; } = [];
    public string[] Verbs { get; init; } = AllVerbs;

    /// <summary>The version objects are kept in; the same for all versions of a resource.</summary>
    public string? StorageVersion { get; init; }

    /// <summary>Set where two groups show one store (events).</summary>
    public string? SharedTable { get; init; }

    public required Lazy<Schema> Schema { get; init; }

    /// <summary>The CRD's own schema source, for OpenAPI; null for built-ins.</summary>
    public JsonObject? SchemaSource { get; init; }

    public bool IsCustom { get; init; }
    public bool HasStatus { get; init; }
    public ScaleDefinition? Scale { get; init; }
    public bool TracksGeneration { get; init; }
    public string[] SelectableFields { get; init; } = [];
    public IReadOnlyList<Column> Columns { get; init; } = Column.Default;
    public ResourceStrategy Strategy { get; init; } = ResourceStrategy.Plain;

    /// <summary>What <c>kubectl delete</c> without a policy does with dependents.</summary>
    public string DefaultPropagation { get; init; } = "Background";

    /// <summary>Deleting answers with the object instead of a Status.</summary>
    public bool ReturnsDeleted { get; init; }

    /// <summary>Further subresources by name, e.g. binding or eviction of pods.</summary>
    public IReadOnlyDictionary<string, SubresourceDefinition> Subresources { get; init; } = new Dictionary<string, SubresourceDefinition>();

    /// <summary>For kinds that are only asked, never kept (reviews): the answer to a create.</summary>
    public Func<VirtualRequest, Task<JsonObject>>? Answer { get; init; }

    /// <summary>From the storage version's shape to this one, beyond the apiVersion; null when the shapes agree.</summary>
    public Func<JsonObject, JsonObject>? FromStorage { get; init; }

    public Func<JsonObject, JsonObject>? ToStorage { get; init; }

    /// <summary>Of a custom resource whose CRD has a conversion webhook.</summary>
    public Crds.WebhookConversion? Conversion { get; init; }

    /// <summary>Stored custom objects of this very version too are pruned and defaulted when read: the schema has defaults, or has changed.</summary>
    public bool ReadsThroughSchema { get; init; }

    public string Table => SharedTable ?? $"{Key.Group}/{Key.Plural}";

    public string ListKind => ListKindName ?? Kind + "List";

    public string SingularName => Singular.Length > 0 ? Singular : Kind.ToLowerInvariant();

    public string ApiVersion => Key.ApiVersion;

    public string StorageApiVersion => StorageVersion is null || StorageVersion == Key.Version ? ApiVersion
        : StorageVersion.Contains('/', StringComparison.Ordinal) || Key.Group.Length == 0 || SharedTable is not null ? StorageVersion
        : $"{Key.Group}/{StorageVersion}";
}

internal sealed record ScaleDefinition(string SpecPath, string StatusPath, string? SelectorPath);

/// <param name="Kind">Kind of the body, for discovery.</param>
/// <param name="Group">Group of that kind.</param>
/// <param name="Version">Version of that kind.</param>
/// <param name="Verbs">For discovery.</param>
/// <param name="Post">The answer to a POST of that kind; null for subresources that HTTP serves itself (log).</param>
internal sealed record SubresourceDefinition(string Kind, string Group, string Version, string[] Verbs, Func<VirtualRequest, Task<JsonObject>>? Post)
{
    /// <summary>For subresources that read and write the whole object, but change this one field of its spec.</summary>
    public string? SpecField { get; init; }

    /// <summary>For subresources that take over the connection (exec and the like).</summary>
    public Func<HttpContext, Store.StoredObject, Task>? Connect { get; init; }
}

internal sealed record VirtualRequest(RequestContext Context, ResourceDefinition Definition, string Namespace, string Name, JsonObject Body);
