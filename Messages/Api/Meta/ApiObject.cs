using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.Messages.Api.Meta;

/// <summary>
/// Base of every part of an API object. Fields that this version of the model does not know are kept in
/// <see cref="UnknownFields"/> and written back, so a read-modify-write by an older Troupe loses nothing.
/// </summary>
public abstract record ApiObject
{
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? UnknownFields { get; set; }
}

/// <summary>A top-level Kubernetes object.</summary>
public abstract record KubeObject : ApiObject
{
    [JsonPropertyOrder(-3)]
    public string? ApiVersion { get; init; }

    [JsonPropertyOrder(-2)]
    public string? Kind { get; init; }

    [JsonPropertyOrder(-1)]
    public ObjectMeta Metadata { get; init; } = new();
}

/// <summary>A list response of the API server.</summary>
/// <typeparam name="T">The item's kind; items of a list carry no apiVersion and kind of their own.</typeparam>
public sealed record KubeList<T> : ApiObject where T : KubeObject
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public ListMeta Metadata { get; init; } = new();
    public IReadOnlyList<T> Items { get; init; } = [];
}

public sealed record ListMeta : ApiObject
{
    public string? ResourceVersion { get; init; }
    public string? Continue { get; init; }
    public long? RemainingItemCount { get; init; }
}
