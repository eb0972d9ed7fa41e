using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Security.Rbac;

/// <summary>Nobody may write a role with more rights than he has, or bind one, unless he may "escalate" or "bind".</summary>
internal sealed class EscalationCheck(RbacPolicy policy, IAuthorizer authorizer) : IAdmissionStep
{
    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        Check(request);
        return ValueTask.CompletedTask;
    }

    private void Check(AdmissionRequest request)
    {
        if (request.Definition.Key.Group != RbacPolicy.Group || request.Object is not { } obj || request.Context.User.Groups.Contains(RbacAuthorizer.Masters))
            return;
        switch (request.Definition.Key.Plural)
        {
            case "roles" or "clusterroles":
                if (request.OldObject is { } old && old["rules"].SameAs(obj["rules"]) && old["aggregationRule"].SameAs(obj["aggregationRule"]))
                    return;
                if (May("escalate", request, request.Definition.Key.Plural, request.Name))
                    return;
                // An aggregated role can come to hold anything.
                var rules = obj["aggregationRule"] is null ? (obj.Arr("rules") ?? []).Select(PolicyRule.From).ToList() : [.. Everything];
                Confirm(request, rules);
                break;
            case "rolebindings" or "clusterrolebindings":
                if (request.OldObject is { } before && before["roleRef"].SameAs(obj["roleRef"]) && before["subjects"].SameAs(obj["subjects"]))
                    return;
                var (kind, name) = (obj.Str("roleRef", "kind") ?? "", obj.Str("roleRef", "name") ?? "");
                if (May("bind", request, kind == "ClusterRole" ? "clusterroles" : "roles", name))
                    return;
                Confirm(request, policy.RulesOf(kind, name, request.Namespace)
                    ?? throw ApiException.NotFound(new ResourceKey(RbacPolicy.Group, "v1", kind == "ClusterRole" ? "clusterroles" : "roles"), name));
                break;
        }
    }

    private static readonly PolicyRule[] Everything = [new(["*"], ["*"], ["*"], [], []), new(["*"], [], [], [], ["*"])];

    private bool May(string verb, AdmissionRequest request, string resource, string name) =>
        authorizer.Authorize(new AuthorizationAttributes(request.Context.User, verb, request.Namespace, RbacPolicy.Group, "v1", resource, "", name)).Allowed;

    private void Confirm(AdmissionRequest request, IReadOnlyList<PolicyRule> wanted)
    {
        var user = request.Context.User;
        var held = policy.RulesFor(user, request.Namespace).Select(g => g.Rule).ToList();
        var missing = wanted.SelectMany(r => r.Atoms()).Where(atom => !held.Any(h => h.Covers(atom))).ToList();
        if (missing.Count == 0)
            return;
        throw ApiException.Forbidden(request.Definition.Key, request.Name,
            $"user \"{user.Name}\" (groups={PolicyRule.Quoted(user.Groups)}) is attempting to grant RBAC permissions not currently held:\n{string.Join('\n', Compact(missing))}");
    }

    /// <summary>Atoms that differ in their verb alone are told as one rule.</summary>
    private static IEnumerable<string> Compact(IEnumerable<PolicyRule> atoms) => atoms
        .GroupBy(a => a with { Verbs = [] }, (_, same) => same.First() with { Verbs = [.. same.Select(s => s.Verbs[0]).Distinct()] }, AtomTarget.Comparer)
        .Select(r => r.ToString())
        .Order(StringComparer.Ordinal);

    private sealed class AtomTarget : IEqualityComparer<PolicyRule>
    {
        public static readonly AtomTarget Comparer = new();

        public bool Equals(PolicyRule? x, PolicyRule? y) => x?.ToString() == y?.ToString();

        public int GetHashCode(PolicyRule rule) => rule.ToString().GetHashCode(StringComparison.Ordinal);
    }
}
