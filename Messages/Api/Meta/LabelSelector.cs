namespace Troupe.Messages.Api.Meta;

[AtomicMap]
public sealed record LabelSelector : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<LabelSelectorRequirement>? MatchExpressions { get; init; }
    public IReadOnlyDictionary<string, string>? MatchLabels { get; init; }
}

public sealed record LabelSelectorRequirement : ApiObject
{
    [ApiRequired]
    public string? Key { get; init; }
    [ApiRequired]
    public string? Operator { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? Values { get; init; }
}
