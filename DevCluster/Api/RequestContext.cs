namespace Troupe.DevCluster.Api;

/// <summary>Who asks: the result of authentication.</summary>
public sealed record UserInfo(string Name, string Uid, IReadOnlyList<string> Groups, IReadOnlyDictionary<string, IReadOnlyList<string>> Extra)
{
    public UserInfo(string name, params string[] groups)
        : this(name, "", groups, new Dictionary<string, IReadOnlyList<string>>())
    {
    }
}

/// <summary>What a write request brings besides its object.</summary>
internal sealed record RequestContext(UserInfo User)
{
    public bool DryRun { get; init; }
    public string FieldManager { get; init; } = "devcluster";

    /// <summary>Ignore, Warn or Strict.</summary>
    public string FieldValidation { get; init; } = "Ignore";
    public bool Force { get; init; }

    /// <summary>Sent back as Warning headers.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Repeated keys found while the body was read.</summary>
    public List<string> Duplicates { get; } = [];
}
