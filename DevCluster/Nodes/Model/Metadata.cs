namespace Troupe.DevCluster.Nodes.Model;

public sealed record ObjectMeta
{
    public string Name { get; set; } = "";
    public string Namespace { get; set; } = "";
    public string Uid { get; set; } = "";
    public string ResourceVersion { get; set; } = "";
    public long Generation { get; set; }
    public List<OwnerReference> OwnerReferences { get; set; } = [];
    public List<string> Finalizers { get; set; } = [];
    public Dictionary<string, string> Labels { get; set; } = [];
    public Dictionary<string, string> Annotations { get; set; } = [];
    public DateTimeOffset? CreationTimestamp { get; set; }
    public DateTimeOffset? DeletionTimestamp { get; set; }
    public long? DeletionGracePeriodSeconds { get; set; }

    /// <summary>The one owner that manages this object.</summary>
    public OwnerReference? Controller => OwnerReferences.Find(owner => owner.Controller);

    public bool IsDeleted => DeletionTimestamp is not null;
}

public sealed record OwnerReference
{
    public string ApiVersion { get; set; } = "";
    public string Kind { get; set; } = "";
    public string Name { get; set; } = "";
    public string Uid { get; set; } = "";
    public bool Controller { get; set; }
    public bool BlockOwnerDeletion { get; set; }
}

public sealed record LabelSelector
{
    public Dictionary<string, string> MatchLabels { get; set; } = [];
    public List<Requirement> MatchExpressions { get; set; } = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        MatchLabels.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value)
        && MatchExpressions.All(requirement => requirement.Matches(labels));
}

/// <summary>One expression of a label selector or of a node selector term (which adds Gt and Lt).</summary>
public sealed record Requirement
{
    public string Key { get; set; } = "";
    public string Operator { get; set; } = "";
    public List<string> Values { get; set; } = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            "In" => present && Values.Contains(value!),
            "NotIn" => !present || !Values.Contains(value!),
            "Exists" => present,
            "DoesNotExist" => !present,
            "Gt" => Compare(value) is > 0,
            "Lt" => Compare(value) is < 0,
            _ => false,
        };
    }

    private int? Compare(string? value) =>
        long.TryParse(value, out var left) && Values is [var only] && long.TryParse(only, out var right) ? left.CompareTo(right) : null;
}
