namespace Troupe.DevCluster.Nodes.Model;

public sealed record ObjectMeta
{
    public string Name { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Uid { get; init; } = "";
    public string ResourceVersion { get; init; } = "";
    public long Generation { get; init; }
    public List<OwnerReference> OwnerReferences { get; init; } = [];
    public List<string> Finalizers { get; init; } = [];
    public Dictionary<string, string> Labels { get; init; } = [];
    public Dictionary<string, string> Annotations { get; init; } = [];
    public DateTimeOffset? CreationTimestamp { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }

    /// <summary>The one owner that manages this object.</summary>
    public OwnerReference? Controller => OwnerReferences.Find(owner => owner.Controller);

    public bool IsDeleted => DeletionTimestamp is not null;
}

public sealed record OwnerReference
{
    public string ApiVersion { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Name { get; init; } = "";
    public string Uid { get; init; } = "";
    public bool Controller { get; init; }
    public bool BlockOwnerDeletion { get; init; }
}

public sealed record LabelSelector
{
    public Dictionary<string, string> MatchLabels { get; init; } = [];
    public List<Requirement> MatchExpressions { get; init; } = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        MatchLabels.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value)
        && MatchExpressions.All(requirement => requirement.Matches(labels));
}

/// <summary>One expression of a label selector or of a node selector term (which adds Gt and Lt).</summary>
public sealed record Requirement
{
    public string Key { get; init; } = "";
    public string Operator { get; init; } = "";
    public List<string> Values { get; init; } = [];

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
