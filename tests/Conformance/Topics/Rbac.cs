using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Who may do what, asked as another user by impersonation.</summary>
public sealed class Rbac(ApiServer server) : Topic(server)
{
    private const string Group = "rbac.authorization.k8s.io/v1/";

    /// <summary>Nobody else's: bindings of other tests don't reach it.</summary>
    private string User => "user-" + Namespace;

    [Fact]
    public async Task Nobody_may_do_what_no_binding_allows()
    {
        var refused = await AsUser("GET", In("configmaps"));
        Assert.Equal((403, "Forbidden"), (refused.Code, refused["reason"]));
        Assert.StartsWith($"configmaps is forbidden: User \"{User}\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"{Namespace}\"", refused["message"], StringComparison.Ordinal);
        refused = await AsUser("DELETE", In("apps/v1/deployments") + "/d");
        Assert.StartsWith($"deployments.apps \"d\" is forbidden: User \"{User}\" cannot delete resource \"deployments\" in API group \"apps\"", refused["message"], StringComparison.Ordinal);
        Assert.Equal(200, (await AsUser("GET", "/apis")).Code);
    }

    [Fact]
    public async Task A_role_gives_its_verbs_on_its_resources_by_name_in_its_namespace()
    {
        await RoleAsync("r", """[{"verbs":["get"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["mine"]}]""");
        await BindAsync("Role", "r");
        await ConfigMap("mine");
        await ConfigMap("other");
        await Eventually.HoldsAsync(async () => (await AsUser("GET", In("configmaps") + "/mine")).Code == 200, "the binding is in force");
        Assert.Equal(403, (await AsUser("GET", In("configmaps") + "/other")).Code);
        Assert.Equal(403, (await AsUser("GET", In("configmaps"))).Code);
        Assert.Equal(403, (await AsUser("GET", "/api/v1/namespaces/kube-system/configmaps/mine")).Code);
    }

    [Fact]
    public async Task Kubectl_can_ask_what_it_may_do()
    {
        await RoleAsync("r", """[{"verbs":["update"],"apiGroups":["apps"],"resources":["deployments"]}]""");
        await BindAsync("Role", "r");
        await Eventually.HoldsAsync(async () => (await Kubectl($"auth can-i update deployments.apps --as={User}")).Output.Trim() == "yes", "it may");
        Assert.Equal("no", (await Kubectl($"auth can-i delete deployments.apps --as={User}")).Output.Trim().Split(' ', '\n')[0]);
        Assert.Matches(@"deployments\.apps .*\[update\]", (await Kubectl($"auth can-i --list --as={User}")).Require());
    }

    [Fact]
    public async Task Nobody_grants_what_he_does_not_have()
    {
        await RoleAsync("granter", """[{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]},{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]""");
        await BindAsync("Role", "granter");
        const string little = """{"metadata":{"name":"little"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}""";
        await Eventually.HoldsAsync(async () => (await AsUser("POST", In(Group + "roles"), little)).Code is 201 or 409, "what he has he may grant");
        var refused = await AsUser("POST", In(Group + "roles"), """{"metadata":{"name":"more"},"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]}""");
        Assert.Equal(403, refused.Code);
        Assert.EndsWith("is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}", refused["message"], StringComparison.Ordinal);
        Assert.Equal(403, (await AsUser("POST", In(Group + "rolebindings"), Binding("ClusterRole", "cluster-admin", "up"))).Code);
    }

    [Fact]
    public async Task A_role_reference_is_immutable_and_malformed_rules_are_refused()
    {
        await BindAsync("ClusterRole", "view");
        var changed = await Put(In(Group + "rolebindings") + "/view", Binding("ClusterRole", "edit", "view"));
        Assert.Equal((422, "roleRef"), (changed.Code, changed.CauseFields.Single()));
        var wrong = await Post(In(Group + "roles"), """{"metadata":{"name":"x"},"rules":[{"verbs":["get"],"nonResourceURLs":["/x"]}]}""");
        Assert.Equal((422, "rules[0].nonResourceURLs"), (wrong.Code, wrong.CauseFields.Single()));
    }

    [Fact]
    public async Task Anonymous_requests_get_nothing()
    {
        using var client = Server.Client(anonymous: true);
        Assert.Contains((int)(await client.GetAsync(In("configmaps"))).StatusCode, new[] { 401, 403 });
    }

    private async Task RoleAsync(string name, string rules) =>
        (await Post(In(Group + "roles"), $$"""{"metadata":{"name":"{{name}}"},"rules":{{rules}}}""")).Expect(201);

    private async Task BindAsync(string kind, string role) => (await Post(In(Group + "rolebindings"), Binding(kind, role, role))).Expect(201);

    private string Binding(string kind, string role, string name) => $$"""
        {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{kind}}","name":"{{role}}"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"{{User}}"}]}
        """;

    private async Task<Answer> AsUser(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("Impersonate-User", User);
        if (body is not null)
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await Server.Http.SendAsync(request);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers, response.Version);
    }
}
