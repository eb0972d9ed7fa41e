using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>`v1.Event`: what happened to <see cref="InvolvedObject"/>, counted when it repeats.</summary>
public sealed record Event : KubeObject
{
    public int? Count { get; init; }
    [JsonConverter(typeof(Rfc3339MicroConverter))]
    public DateTimeOffset? EventTime { get; init; }
    public DateTimeOffset? FirstTimestamp { get; init; }
    [ApiRequired]
    public ObjectReference? InvolvedObject { get; init; }
    public DateTimeOffset? LastTimestamp { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public string? ReportingComponent { get; init; }
    public string? ReportingInstance { get; init; }
    public EventSource? Source { get; init; }
    /// <summary>`Normal` or `Warning`.</summary>
    public string? Type { get; init; }
}

public sealed record EventSource : ApiObject
{
    public string? Component { get; init; }
    public string? Host { get; init; }
}

public sealed record ObjectReference : ApiObject
{
    public string? ApiVersion { get; init; }
    public string? FieldPath { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public string? Namespace { get; init; }
    public string? ResourceVersion { get; init; }
    public string? Uid { get; init; }
}
