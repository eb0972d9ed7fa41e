using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Security.Rbac;

namespace Troupe.DevCluster.Resources;

/// <summary>RBAC's names may hold colons and the like.</summary>
internal abstract class PathNameStrategy : ResourceStrategy
{
    public override string? NameProblem(string name) => Names.PathSegmentProblem(name);
}

internal sealed class RoleStrategy(bool namespaced) : PathNameStrategy
{
    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var (json, i) in (obj.Arr("rules") ?? []).Select((r, i) => (r, i)))
        {
            var rule = PolicyRule.From(json);
            var at = $"rules[{i}]";
            if (rule.Verbs.Length == 0)
                yield return new("FieldValueRequired", "Required value: verbs must contain at least one value", at + ".verbs");
            if (rule.Urls.Length > 0)
            {
                var urls = $"Invalid value: [{string.Join(",", rule.Urls.Select(u => $"\"{u}\""))}]: ";
                if (namespaced)
                    yield return new("FieldValueInvalid", urls + "namespaced rules cannot apply to non-resource URLs", at + ".nonResourceURLs");
                if (rule.Groups.Length + rule.Resources.Length + rule.Names.Length > 0)
                    yield return new("FieldValueInvalid", urls + "rules cannot apply to both regular resources and non-resource URLs", at + ".nonResourceURLs");
                continue;
            }
            if (rule.Groups.Length == 0)
                yield return new("FieldValueRequired", "Required value: resource rules must supply at least one api group", at + ".apiGroups");
            if (rule.Resources.Length == 0)
                yield return new("FieldValueRequired", "Required value: resource rules must supply at least one resource", at + ".resources");
        }
        foreach (var (selector, i) in (obj.Arr("aggregationRule", "clusterRoleSelectors") ?? []).Select((s, i) => (s as JsonObject, i)))
        {
            foreach (var cause in SelectorJson.Problems(selector, $"aggregationRule.clusterRoleSelectors[{i}]"))
                yield return cause;
        }
        if (obj.Obj("aggregationRule") is { } aggregation && aggregation.Arr("clusterRoleSelectors") is not { Count: > 0 })
            yield return new("FieldValueRequired", "Required value: at least one clusterRoleSelector required if aggregationRule is non-nil", "aggregationRule.clusterRoleSelectors");
    }
}

internal sealed class RoleBindingStrategy(bool namespaced) : PathNameStrategy
{
    public override void Default(JsonObject obj)
    {
        obj.Obj("roleRef")?.Fill("apiGroup", RbacPolicy.Group);
        foreach (var subject in (obj.Arr("subjects") ?? []).OfType<JsonObject>())
        {
            if (subject.Str("kind") is "User" or "Group")
                subject.Fill("apiGroup", RbacPolicy.Group);
        }
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var role = obj.Obj("roleRef");
        if (role.Str("apiGroup") != RbacPolicy.Group)
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{role.Str("apiGroup")}\": supported values: \"{RbacPolicy.Group}\"", "roleRef.apiGroup");
        if (role.Str("kind") is not "ClusterRole" && (!namespaced || role.Str("kind") != "Role"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{role.Str("kind")}\": supported values: \"ClusterRole\"{(namespaced ? ", \"Role\"" : "")}", "roleRef.kind");
        if (string.IsNullOrEmpty(role.Str("name")))
            yield return new("FieldValueRequired", "Required value", "roleRef.name");
        foreach (var (subject, i) in (obj.Arr("subjects") ?? []).Select((s, i) => (s, i)))
        {
            var at = $"subjects[{i}]";
            if (string.IsNullOrEmpty(subject.Str("name")))
                yield return new("FieldValueRequired", "Required value", at + ".name");
            switch (subject.Str("kind"))
            {
                case "ServiceAccount":
                    if (!namespaced && string.IsNullOrEmpty(subject.Str("namespace")))
                        yield return new("FieldValueRequired", "Required value", at + ".namespace");
                    if (subject.Str("apiGroup") is { Length: > 0 } group)
                        yield return new("FieldValueNotSupported", $"Unsupported value: \"{group}\": supported values: \"\"", at + ".apiGroup");
                    break;
                case "User" or "Group":
                    if (subject.Str("apiGroup") != RbacPolicy.Group)
                        yield return new("FieldValueNotSupported", $"Unsupported value: \"{subject.Str("apiGroup")}\": supported values: \"{RbacPolicy.Group}\"", at + ".apiGroup");
                    break;
                case var kind:
                    yield return new("FieldValueNotSupported", $"Unsupported value: \"{kind}\": supported values: \"Group\", \"ServiceAccount\", \"User\"", at + ".kind");
                    break;
            }
        }
        if (old is not null && !old["roleRef"].SameAs(role))
            yield return new("FieldValueInvalid", $"Invalid value: {role.Display()}: cannot change roleRef", "roleRef");
    }
}
