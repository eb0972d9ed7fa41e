using System.Text.Json.Serialization;

namespace Troupe.Messages.Api.Meta;

/// <summary>`metav1.Status`: the API server's answer when a request failed.</summary>
public sealed record Status : ApiObject
{
    public string? ApiVersion { get; init; } = "v1";
    public string? Kind { get; init; } = "Status";
    public int? Code { get; init; }
    public StatusDetails? Details { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    /// <summary>`Success` or `Failure`.</summary>
    [JsonPropertyName("status")]
    public string? Outcome { get; init; }
}

public sealed record StatusDetails : ApiObject
{
    public IReadOnlyList<StatusCause>? Causes { get; init; }
    public string? Group { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public int? RetryAfterSeconds { get; init; }
    public string? Uid { get; init; }
}

public sealed record StatusCause : ApiObject
{
    public string? Field { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
}
