namespace Troupe.DevCluster.Nodes.Model;

public sealed record Affinity
{
    public NodeAffinity NodeAffinity { get; set; } = new();
    public PodAffinity PodAffinity { get; set; } = new();
    public PodAffinity PodAntiAffinity { get; set; } = new();
}

public sealed record NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
    public List<PreferredSchedulingTerm> PreferredDuringSchedulingIgnoredDuringExecution { get; set; } = [];
}

public sealed record NodeSelector
{
    public List<NodeSelectorTerm> NodeSelectorTerms { get; set; } = [];

    /// <summary>Terms are alternatives; a term without any expression matches no node.</summary>
    public bool Matches(Node node) => NodeSelectorTerms.Any(term => term.Matches(node));
}

public sealed record NodeSelectorTerm
{
    public List<Requirement> MatchExpressions { get; set; } = [];
    public List<Requirement> MatchFields { get; set; } = [];

    public bool Matches(Node node) =>
        MatchExpressions.Count + MatchFields.Count > 0
        && MatchExpressions.All(requirement => requirement.Matches(node.Metadata.Labels))
        && MatchFields.All(requirement => requirement.Matches(new Dictionary<string, string> { ["metadata.name"] = node.Name }));
}

public sealed record PreferredSchedulingTerm
{
    public int Weight { get; set; }
    public NodeSelectorTerm Preference { get; set; } = new();
}

public sealed record PodAffinity
{
    public List<PodAffinityTerm> RequiredDuringSchedulingIgnoredDuringExecution { get; set; } = [];
    public List<WeightedPodAffinityTerm> PreferredDuringSchedulingIgnoredDuringExecution { get; set; } = [];
}

public sealed record WeightedPodAffinityTerm
{
    public int Weight { get; set; }
    public PodAffinityTerm PodAffinityTerm { get; set; } = new();
}

public sealed record PodAffinityTerm
{
    public LabelSelector? LabelSelector { get; set; }
    public List<string> Namespaces { get; set; } = [];
    public LabelSelector? NamespaceSelector { get; set; }
    public string TopologyKey { get; set; } = "";
}

public sealed record Toleration
{
    public string Key { get; set; } = "";
    public string Operator { get; set; } = "";
    public string Value { get; set; } = "";
    public string Effect { get; set; } = "";

    /// <summary>How long a NoExecute taint is borne; null for ever.</summary>
    public long? TolerationSeconds { get; set; }

    public bool Tolerates(Taint taint) =>
        (Effect.Length == 0 || Effect == taint.Effect)
        && (Key.Length == 0 ? Operator == "Exists" : Key == taint.Key)
        && (Operator == "Exists" || Value == taint.Value);
}

public sealed record TopologySpreadConstraint
{
    public int MaxSkew { get; set; } = 1;
    public string TopologyKey { get; set; } = "";
    public string WhenUnsatisfiable { get; set; } = "DoNotSchedule";
    public LabelSelector? LabelSelector { get; set; }
    public int? MinDomains { get; set; }
    public List<string> MatchLabelKeys { get; set; } = [];
}
