using System.Runtime.CompilerServices;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Security.Rbac;

/// <summary>A rule that applies to a user, and by which binding.</summary>
internal sealed record GrantedRule(PolicyRule Rule, string By);

/// <summary>The stored roles and bindings as a question: which rules apply to a user in a namespace?</summary>
internal sealed class RbacPolicy(ObjectStore store)
{
    public const string Group = "rbac.authorization.k8s.io";

    private static readonly ConditionalWeakTable<StoredObject, PolicyRule[]> Rules = [];
    private static readonly ConditionalWeakTable<StoredObject, Binding> Bindings = [];

    /// <param name="user">Whose.</param>
    /// <param name="ns">Empty for the cluster scope, where only ClusterRoleBindings count.</param>
    /// <param name="errors">Bindings whose role is missing.</param>
    public IEnumerable<GrantedRule> RulesFor(UserInfo user, string ns, List<string>? errors = null)
    {
        foreach (var binding in Of("clusterrolebindings", null))
        {
            foreach (var granted in Granted(binding, user, "", errors))
                yield return granted;
        }
        if (ns.Length == 0)
            yield break;
        foreach (var binding in Of("rolebindings", ns))
        {
            foreach (var granted in Granted(binding, user, ns, errors))
                yield return granted;
        }
    }

    /// <summary>The rules of the role that a binding of the namespace refers to; null when there is no such role.</summary>
    public IReadOnlyList<PolicyRule>? RulesOf(string kind, string name, string ns)
    {
        var role = kind == "ClusterRole" ? store.State.Table(Group + "/clusterroles").Find("", name) : store.State.Table(Group + "/roles").Find(ns, name);
        return role is null ? null : Rules.GetValue(role, static r => [.. (r.Parse().Arr("rules") ?? []).Select(PolicyRule.From)]);
    }

    private IEnumerable<Binding> Of(string plural, string? ns) =>
        store.State.Table($"{Group}/{plural}").All(ns).Select(b => Bindings.GetValue(b, Binding.From));

    private IEnumerable<GrantedRule> Granted(Binding binding, UserInfo user, string ns, List<string>? errors)
    {
        if (binding.Subjects.FirstOrDefault(s => s.Is(user, ns)) is not { } subject)
            yield break;
        if (RulesOf(binding.RoleKind, binding.RoleName, ns) is not { } rules)
        {
            errors?.Add($"{binding.RoleKind.ToLowerInvariant()}.{Group} \"{binding.RoleName}\" not found");
            yield break;
        }
        var by = $"{(ns.Length == 0 ? $"ClusterRoleBinding \"{binding.Name}\"" : $"RoleBinding \"{binding.Name}/{ns}\"")} of {binding.RoleKind} \"{binding.RoleName}\" to {subject}";
        foreach (var rule in rules)
            yield return new GrantedRule(rule, by);
    }

    private sealed record Binding(string Name, string RoleKind, string RoleName, Subject[] Subjects)
    {
        public static Binding From(StoredObject stored)
        {
            var obj = stored.Parse();
            return new Binding(stored.Name, obj.Str("roleRef", "kind") ?? "", obj.Str("roleRef", "name") ?? "",
                [.. (obj.Arr("subjects") ?? []).Select(s => new Subject(s.Str("kind") ?? "", s.Str("namespace") ?? "", s.Str("name") ?? ""))]);
        }
    }

    private sealed record Subject(string Kind, string Namespace, string Name)
    {
        public bool Is(UserInfo user, string ns) => Kind switch
        {
            "User" => user.Name == Name,
            "Group" => user.Groups.Contains(Name),
            "ServiceAccount" => user.Name == $"system:serviceaccount:{(Namespace.Length > 0 ? Namespace : ns)}:{Name}",
            _ => false,
        };

        public override string ToString() => Kind == "ServiceAccount" ? $"ServiceAccount \"{Name}/{Namespace}\"" : $"{Kind} \"{Name}\"";
    }
}
