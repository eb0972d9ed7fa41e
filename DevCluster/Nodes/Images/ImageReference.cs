namespace Troupe.DevCluster.Nodes.Images;

/// <summary>A container image name with Docker's defaults filled in (docker.io, library/, :latest).</summary>
public sealed record ImageReference(string Registry, string Repository, string? Tag, string? Digest)
{
    public string Canonical => $"{Registry}/{Repository}{(Tag is null ? "" : ":" + Tag)}{(Digest is null ? "" : "@" + Digest)}";

    /// <summary>What skopeo's docker transport takes: a tag or a digest, not both.</summary>
    public string ForPull => Digest is null ? Canonical : $"{Registry}/{Repository}@{Digest}";

    /// <summary>Kubernetes' default: a tag that is latest (or none) is looked up every time.</summary>
    public string DefaultPullPolicy => Digest is null && Tag == "latest" ? "Always" : "IfNotPresent";

    public static ImageReference Parse(string text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
            throw new ImageException(ImageException.InvalidName, $"couldn't parse image name \"{text}\": invalid reference format");
        var rest = text;
        string? digest = null, tag = null;
        if (rest.IndexOf('@') is >= 0 and var at)
        {
            digest = rest[(at + 1)..];
            rest = rest[..at];
        }
        if (rest.LastIndexOf(':') is >= 0 and var colon && colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
        }
        var slash = rest.IndexOf('/');
        var first = slash < 0 ? "" : rest[..slash];
        var hasRegistry = first == "localhost" || first.Contains('.') || first.Contains(':');
        var registry = hasRegistry ? first : "docker.io";
        var repository = hasRegistry ? rest[(slash + 1)..] : rest;
        if (registry is "docker.io" or "index.docker.io")
        {
            registry = "docker.io";
            if (!repository.Contains('/')) repository = "library/" + repository;
        }
        if (repository.Length == 0 || repository.EndsWith('/') || repository.Any(char.IsAsciiLetterUpper))
            throw new ImageException(ImageException.InvalidName, $"couldn't parse image name \"{text}\": invalid reference format");
        return new ImageReference(registry, repository, tag ?? (digest is null ? "latest" : null), digest);
    }
}
