using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>An object that a machine needs, with the objects that this one needs in turn.</summary>
public sealed record ObjectGraphNode : ApiObject
{
    public string? ApiVersion { get; init; }
    public IReadOnlyList<ObjectGraphNode>? Children { get; init; }
    public string? Kind { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    [ApiRequired]
    public TypedObjectReference? ObjectReference { get; init; }
    public bool? Optional { get; init; }
}

public sealed record ObjectGraphOptions : ApiObject
{
    public bool? IncludeOptionalNodes { get; init; }
    public LabelSelector? LabelSelector { get; init; }
}
