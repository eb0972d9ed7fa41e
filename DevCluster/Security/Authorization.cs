using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>What is asked for: a resource request, or (with <paramref name="Path"/>) any other URL.</summary>
public sealed record AuthorizationAttributes(
    UserInfo User, string Verb, string Namespace = "", string Group = "", string Version = "", string Resource = "", string Subresource = "", string Name = "", string? Path = null);

public readonly record struct AuthorizationDecision(bool Allowed, string Reason);

/// <summary>The authorization seam: every request and every access review goes through it.</summary>
public interface IAuthorizer
{
    AuthorizationDecision Authorize(AuthorizationAttributes attributes);
}

internal static class Forbidden
{
    /// <summary>The 403 for a request that nobody allowed.</summary>
    public static ApiException For(AuthorizationAttributes a, string reason)
    {
        var what = a.Path is not null
            ? $"User \"{a.User.Name}\" cannot {a.Verb} path \"{a.Path}\""
            : $"User \"{a.User.Name}\" cannot {a.Verb} resource \"{a.Resource}{(a.Subresource.Length > 0 ? "/" + a.Subresource : "")}\" in API group \"{a.Group}\" "
                + (a.Namespace.Length > 0 ? $"in the namespace \"{a.Namespace}\"" : "at the cluster scope");
        if (reason.Length > 0)
            what += ": " + reason;
        return a.Path is not null
            ? new ApiException(403, "Forbidden", $"forbidden: {what}", [])
            : ApiException.Forbidden(new ResourceKey(a.Group, a.Version, a.Resource), a.Name, what);
    }
}
