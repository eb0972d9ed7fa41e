using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>Body of the pause subresource.</summary>
public sealed record PauseOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    public string? Kind { get; init; }
}

/// <summary>Body of the unpause subresource.</summary>
public sealed record UnpauseOptions : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<string>? DryRun { get; init; }
    public string? Kind { get; init; }
}

/// <summary>Body of the freeze subresource.</summary>
public sealed record FreezeUnfreezeTimeout : ApiObject
{
    [ApiRequired]
    public Duration? UnfreezeTimeout { get; init; }
}
