using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record ConfigMap : KubeObject
{
    public IReadOnlyDictionary<string, string>? Data { get; init; }
}

/// <summary>Values are base64 in JSON, as Kubernetes sends them.</summary>
public sealed record Secret : KubeObject
{
    public IReadOnlyDictionary<string, byte[]>? Data { get; init; }
    public string? Type { get; init; }
}
