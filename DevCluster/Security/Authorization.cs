using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>What is asked for: a resource request, or (with <paramref name="Path"/>) any other URL.</summary>
public sealed record AuthorizationAttributes(
    UserInfo User, string Verb, string Namespace = "", string Group = "", string Version = "", string Resource = "", string Subresource = "", string Name = "", string? Path = null);

public readonly record struct AuthorizationDecision(bool Allowed, string Reason);

/// <summary>The authorization seam: every request and every access review goes through it.</summary>
public interface IAuthorizer
{
    ValueTask<AuthorizationDecision> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken ct);
}

/// <summary>Whoever could prove who he is may do everything.</summary>
internal sealed class AllowAuthenticated : IAuthorizer
{
    public ValueTask<AuthorizationDecision> AuthorizeAsync(AuthorizationAttributes attributes, CancellationToken ct) =>
        ValueTask.FromResult(attributes.User.Groups.Contains("system:authenticated") || attributes.User.Groups.Contains("system:masters")
            ? new AuthorizationDecision(true, "")
            : new AuthorizationDecision(false, "not authenticated"));
}
