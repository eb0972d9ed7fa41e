using System.Text.Json;
using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Review;

/// <summary><c>admission.k8s.io/v1 AdmissionReview</c>: the API server's question, and in the same shape the answer.</summary>
public sealed record AdmissionReview
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public AdmissionRequest? Request { get; init; }
    public AdmissionResponse? Response { get; init; }
}

public sealed record AdmissionRequest
{
    public const string Create = "CREATE";
    public const string Update = "UPDATE";
    public const string Delete = "DELETE";

    public string Uid { get; init; } = "";
    public GroupVersionResource Resource { get; init; } = new();
    public string? SubResource { get; init; }
    public string? Name { get; init; }
    public string? Namespace { get; init; }
    public string Operation { get; init; } = Create;
    public UserInfo UserInfo { get; init; } = new();
    public JsonElement Object { get; init; }
    public JsonElement OldObject { get; init; }
    public bool? DryRun { get; init; }
}

public sealed record GroupVersionResource
{
    public string Group { get; init; } = "";
    public string Version { get; init; } = "";
    public string Resource { get; init; } = "";
}

public sealed record UserInfo
{
    public string Username { get; init; } = "";
    public IReadOnlyList<string>? Groups { get; init; }
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra { get; init; }
}

public sealed record AdmissionResponse
{
    public string Uid { get; init; } = "";
    public bool Allowed { get; init; }
    public Status? Status { get; init; }

    /// <summary>A JSON patch (RFC 6902) in base64.</summary>
    public byte[]? Patch { get; init; }
    public string? PatchType { get; init; }
    public IReadOnlyList<string>? Warnings { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AdmissionReview))]
internal sealed partial class ReviewJson : JsonSerializerContext;
