namespace Troupe.DevCluster.Nodes.Model;

public sealed record Affinity
{
    public NodeAffinity NodeAffinity { get; init; } = new();
    public PodAffinity PodAffinity { get; init; } = new();
    public PodAffinity PodAntiAffinity { get; init; } = new();
}

public sealed record NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
    public List<PreferredSchedulingTerm> PreferredDuringSchedulingIgnoredDuringExecution { get; init; } = [];
}

public sealed record NodeSelector
{
    public List<NodeSelectorTerm> NodeSelectorTerms { get; init; } = [];

    /// <summary>Terms are alternatives; a term without any expression matches no node.</summary>
    public bool Matches(Node node) => NodeSelectorTerms.Any(term => term.Matches(node));
}

public sealed record NodeSelectorTerm
{
    public List<Requirement> MatchExpressions { get; init; } = [];
    public List<Requirement> MatchFields { get; init; } = [];

    public bool Matches(Node node) =>
        MatchExpressions.Count + MatchFields.Count > 0
        && MatchExpressions.All(requirement => requirement.Matches(node.Metadata.Labels))
        && MatchFields.All(requirement => requirement.Matches(new Dictionary<string, string> { ["metadata.name"] = node.Name }));
}

public sealed record PreferredSchedulingTerm
{
    public int Weight { get; init; }
    public NodeSelectorTerm Preference { get; init; } = new();
}

public sealed record PodAffinity
{
    public List<PodAffinityTerm> RequiredDuringSchedulingIgnoredDuringExecution { get; init; } = [];
    public List<WeightedPodAffinityTerm> PreferredDuringSchedulingIgnoredDuringExecution { get; init; } = [];
}

public sealed record WeightedPodAffinityTerm
{
    public int Weight { get; init; }
    public PodAffinityTerm PodAffinityTerm { get; init; } = new();
}

public sealed record PodAffinityTerm
{
    public LabelSelector? LabelSelector { get; init; }
    public List<string> Namespaces { get; init; } = [];
    public LabelSelector? NamespaceSelector { get; init; }
    public string TopologyKey { get; init; } = "";
}

public sealed record Toleration
{
    public string Key { get; init; } = "";
    public string Operator { get; init; } = "";
    public string Value { get; init; } = "";
    public string Effect { get; init; } = "";

    /// <summary>How long a NoExecute taint is borne; null for ever.</summary>
    public long? TolerationSeconds { get; init; }

    public bool Tolerates(Taint taint) =>
        (Effect.Length == 0 || Effect == taint.Effect)
        && (Key.Length == 0 ? Operator == "Exists" : Key == taint.Key)
        && (Operator == "Exists" || Value == taint.Value);
}

public sealed record TopologySpreadConstraint
{
    public int MaxSkew { get; init; } = 1;
    public string TopologyKey { get; init; } = "";
    public string WhenUnsatisfiable { get; init; } = "DoNotSchedule";
    public LabelSelector? LabelSelector { get; init; }
    public int? MinDomains { get; init; }
    public List<string> MatchLabelKeys { get; init; } = [];
}
