using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record Affinity : ApiObject
{
    public NodeAffinity? NodeAffinity { get; init; }
    public PodAffinity? PodAffinity { get; init; }
    public PodAntiAffinity? PodAntiAffinity { get; init; }
}

public sealed record Toleration : ApiObject
{
    public string? Effect { get; init; }
    public string? Key { get; init; }
    public string? Operator { get; init; }
    public long? TolerationSeconds { get; init; }
    public string? Value { get; init; }
}

public sealed record TopologySpreadConstraint : ApiObject
{
    public LabelSelector? LabelSelector { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MatchLabelKeys { get; init; }
    [ApiRequired]
    public int? MaxSkew { get; init; }
    public int? MinDomains { get; init; }
    public string? NodeAffinityPolicy { get; init; }
    public string? NodeTaintsPolicy { get; init; }
    [ApiRequired]
    public string? TopologyKey { get; init; }
    [ApiRequired]
    public string? WhenUnsatisfiable { get; init; }
}

public sealed record NodeAffinity : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<PreferredSchedulingTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; init; }
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
}

public sealed record PodAffinity : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
}

public sealed record PodAntiAffinity : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
}

[AtomicMap]
public sealed record NodeSelector : ApiObject
{
    [ApiRequired, ListType("atomic")]
    public IReadOnlyList<NodeSelectorTerm>? NodeSelectorTerms { get; init; }
}

public sealed record PreferredSchedulingTerm : ApiObject
{
    [ApiRequired]
    public NodeSelectorTerm? Preference { get; init; }
    [ApiRequired]
    public int? Weight { get; init; }
}

public sealed record PodAffinityTerm : ApiObject
{
    public LabelSelector? LabelSelector { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MatchLabelKeys { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MismatchLabelKeys { get; init; }
    public LabelSelector? NamespaceSelector { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? Namespaces { get; init; }
    [ApiRequired]
    public string? TopologyKey { get; init; }
}

public sealed record WeightedPodAffinityTerm : ApiObject
{
    [ApiRequired]
    public PodAffinityTerm? PodAffinityTerm { get; init; }
    [ApiRequired]
    public int? Weight { get; init; }
}

[AtomicMap]
public sealed record NodeSelectorTerm : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<NodeSelectorRequirement>? MatchExpressions { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<NodeSelectorRequirement>? MatchFields { get; init; }
}

public sealed record NodeSelectorRequirement : ApiObject
{
    [ApiRequired]
    public string? Key { get; init; }
    [ApiRequired]
    public string? Operator { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? Values { get; init; }
}
