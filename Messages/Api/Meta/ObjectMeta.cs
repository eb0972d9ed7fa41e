using System.Text.Json;

namespace Troupe.Messages.Api.Meta;

public sealed record ObjectMeta : ApiObject
{
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    public DateTimeOffset? CreationTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    [ListType("set")]
    public IReadOnlyList<string>? Finalizers { get; init; }
    public string? GenerateName { get; init; }
    public long? Generation { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<ManagedFieldsEntry>? ManagedFields { get; init; }
    public string? Name { get; init; }
    public string? Namespace { get; init; }
    [ListMapKeys("uid")]
    public IReadOnlyList<OwnerReference>? OwnerReferences { get; init; }
    public string? ResourceVersion { get; init; }
    public string? SelfLink { get; init; }
    public string? Uid { get; init; }
}

public sealed record ManagedFieldsEntry : ApiObject
{
    public string? ApiVersion { get; init; }
    public string? FieldsType { get; init; }
    public JsonElement? FieldsV1 { get; init; }
    public string? Manager { get; init; }
    public string? Operation { get; init; }
    public string? Subresource { get; init; }
    public DateTimeOffset? Time { get; init; }
}

public sealed record OwnerReference : ApiObject
{
    [ApiRequired]
    public string? ApiVersion { get; init; }
    public bool? BlockOwnerDeletion { get; init; }
    public bool? Controller { get; init; }
    [ApiRequired]
    public string? Kind { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public string? Uid { get; init; }
}
