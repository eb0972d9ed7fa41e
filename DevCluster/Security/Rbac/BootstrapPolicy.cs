using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security.Rbac;

/// <summary>The roles and bindings every cluster starts with: those of Kubernetes' that users and add-ons refer to.</summary>
internal static class BootstrapPolicy
{
    private const string Aggregate = "rbac.authorization.k8s.io/aggregate-to-";
    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Write = ["create", "delete", "deletecollection", "patch", "update"];
    private static readonly string[] Health = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

    private static readonly (string Group, string[] Resources)[] Namespaced =
    [
        ("", ["configmaps", "endpoints", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "replicationcontrollers", "replicationcontrollers/scale", "serviceaccounts", "services", "services/status"]),
        ("apps", ["controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"]),
        ("autoscaling", ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
        ("batch", ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
        ("discovery.k8s.io", ["endpointslices"]),
        ("networking.k8s.io", ["ingresses", "ingresses/status", "networkpolicies"]),
        ("policy", ["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    ];

    public static IEnumerable<(ResourceKey Key, string? Namespace, JsonObject Object)> All() =>
        ClusterRoles().Select(r => (new ResourceKey(RbacPolicy.Group, "v1", "clusterroles"), (string?)null, r))
            .Concat(Bindings().Select(b => (new ResourceKey(RbacPolicy.Group, "v1", "clusterrolebindings"), (string?)null, b)))
            .Append((new ResourceKey(RbacPolicy.Group, "v1", "roles"), "kube-system", Role("extension-apiserver-authentication-reader",
                new PolicyRule(Read, [""], ["configmaps"], ["extension-apiserver-authentication"], []))));

    private static IEnumerable<JsonObject> ClusterRoles()
    {
        yield return Role("cluster-admin", new PolicyRule(["*"], ["*"], ["*"], [], []), Urls(["*"], "*"));
        foreach (var (name, from) in new[] { ("admin", new[] { "admin" }), ("edit", ["edit"]), ("view", ["view"]) })
        {
            var role = Role(name);
            role["aggregationRule"] = new JsonObject
            {
                ["clusterRoleSelectors"] = new JsonArray([.. from.Select(f => (JsonNode)new JsonObject { ["matchLabels"] = new JsonObject { [Aggregate + f] = "true" } })]),
            };
            // edit is part of admin, and view of edit.
            if (name != "admin")
                Label(role, name == "edit" ? "admin" : "edit");
            yield return role;
        }
        yield return Label(Role("system:aggregate-to-admin",
            Rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews"),
            Rule([.. Write, .. Read], RbacPolicy.Group, "rolebindings", "roles")), "admin");
        yield return Label(Role("system:aggregate-to-edit",
        [
            Rule([.. Read, "create"], "", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"),
            Rule(Read, "", "secrets"),
            Rule(["impersonate"], "", "serviceaccounts"),
            Rule(["create"], "", "pods/eviction", "serviceaccounts/token"),
            Rule(Write, "", "secrets"),
            Rule([.. Write, .. Read], "coordination.k8s.io", "leases"),
            .. Namespaced.Where(n => n.Group != "discovery.k8s.io").Select(n => Rule(Write, n.Group, [.. n.Resources.Where(r => !r.EndsWith("/status", StringComparison.Ordinal) && r != "controllerrevisions")])),
        ]), "edit");
        yield return Label(Role("system:aggregate-to-view",
        [
            .. Namespaced.Select(n => Rule(Read, n.Group, n.Resources)),
            Rule(Read, "", "bindings", "events", "limitranges", "namespaces", "namespaces/status", "pods/log", "pods/status", "replicationcontrollers/status", "resourcequotas", "resourcequotas/status"),
        ]), "view");
        yield return Role("system:discovery", Urls(["get"], [.. Health, "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]));
        yield return Role("system:public-info-viewer", Urls(["get"], Health));
        yield return Role("system:monitoring", Urls(["get"], "/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*"));
        yield return Role("system:service-account-issuer-discovery", Urls(["get"], "/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"));
        yield return Role("system:basic-user",
            Rule(["create"], "authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"), Rule(["create"], "authentication.k8s.io", "selfsubjectreviews"));
        yield return Role("system:auth-delegator",
            Rule(["create"], "authentication.k8s.io", "tokenreviews"), Rule(["create"], "authorization.k8s.io", "subjectaccessreviews"));
        yield return Role("system:kubelet-api-admin", Rule(Read, "", "nodes"), Rule(["proxy"], "", "nodes"), Rule(["*"], "", "nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"));
        yield return Role("system:node",
            Rule(["create"], "authentication.k8s.io", "tokenreviews"), Rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews", "subjectaccessreviews"),
            Rule(Read, "", "services", "configmaps", "secrets", "persistentvolumes", "persistentvolumeclaims", "endpoints"),
            Rule([.. Read, "create", "patch", "update"], "", "nodes"), Rule(["patch", "update"], "", "nodes/status", "pods/status"),
            Rule([.. Read, "create", "delete"], "", "pods"), Rule(["create"], "", "pods/eviction", "serviceaccounts/token"), Rule(["create", "patch", "update"], "", "events"),
            Rule(["create", "delete", "get", "patch", "update"], "coordination.k8s.io", "leases"), Rule(Read, "storage.k8s.io", "csidrivers", "volumeattachments"),
            Rule(["create", "delete", "get", "patch", "update"], "storage.k8s.io", "csinodes"), Rule(Read, "node.k8s.io", "runtimeclasses"));
        yield return Role("system:persistent-volume-provisioner",
            Rule([.. Read, "create", "delete"], "", "persistentvolumes"), Rule([.. Read, "update"], "", "persistentvolumeclaims"),
            Rule(Read, "storage.k8s.io", "storageclasses"), Rule(["watch", "create", "update", "patch"], "", "events"));
    }

    private static IEnumerable<JsonObject> Bindings()
    {
        yield return Binding("cluster-admin", "system:masters");
        yield return Binding("system:discovery", "system:authenticated");
        yield return Binding("system:basic-user", "system:authenticated");
        yield return Binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated");
        yield return Binding("system:monitoring", "system:monitoring");
        yield return Binding("system:service-account-issuer-discovery", "system:serviceaccounts");
    }

    private static PolicyRule Rule(string[] verbs, string group, params string[] resources) => new(verbs, [group], resources, [], []);

    private static PolicyRule Urls(string[] verbs, params string[] urls) => new(verbs, [], [], [], urls);

    private static JsonObject Role(string name, params PolicyRule[] rules) => new()
    {
        ["metadata"] = Metadata(name),
        ["rules"] = new JsonArray([.. rules.Select(r => (JsonNode)r.ToJson())]),
    };

    private static JsonObject Label(JsonObject role, string target)
    {
        role["metadata"]!["labels"]![Aggregate + target] = "true";
        return role;
    }

    private static JsonObject Binding(string role, params string[] groups) => new()
    {
        ["metadata"] = Metadata(role),
        ["roleRef"] = new JsonObject { ["apiGroup"] = RbacPolicy.Group, ["kind"] = "ClusterRole", ["name"] = role },
        ["subjects"] = new JsonArray([.. groups.Select(g => (JsonNode)new JsonObject { ["apiGroup"] = RbacPolicy.Group, ["kind"] = "Group", ["name"] = g })]),
    };

    private static JsonObject Metadata(string name) => new()
    {
        ["name"] = name,
        ["annotations"] = new JsonObject { ["rbac.authorization.kubernetes.io/autoupdate"] = "true" },
        ["labels"] = new JsonObject { ["kubernetes.io/bootstrapping"] = "rbac-defaults" },
    };
}
