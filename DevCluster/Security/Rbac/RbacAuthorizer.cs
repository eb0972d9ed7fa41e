namespace Troupe.DevCluster.Security.Rbac;

/// <summary>Role-based access control; members of system:masters may do everything, whatever the bindings say.</summary>
internal sealed class RbacAuthorizer(RbacPolicy policy) : IAuthorizer
{
    public const string Masters = "system:masters";

    public AuthorizationDecision Authorize(AuthorizationAttributes attributes)
    {
        if (attributes.User.Groups.Contains(Masters))
            return new AuthorizationDecision(true, "");
        var errors = new List<string>();
        foreach (var granted in policy.RulesFor(attributes.User, attributes.Namespace, errors))
        {
            if (granted.Rule.Allows(attributes))
                return new AuthorizationDecision(true, "RBAC: allowed by " + granted.By);
        }
        var reason = errors.Count switch { 0 => "", 1 => "RBAC: " + errors[0], _ => $"RBAC: [{string.Join(", ", errors)}]" };
        return new AuthorizationDecision(false, reason);
    }
}
