using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Security;

public sealed class RbacTests : IAsyncLifetime
{
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1/";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Nobody_may_do_what_no_binding_allows()
    {
        var (code, status) = await AsAsync("jane", "GET", ConfigMaps);
        Assert.Equal(HttpStatusCode.Forbidden, code);
        Assert.Equal("configmaps is forbidden: User \"jane\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"", status.Str("message"));
        (_, status) = await AsAsync("jane", "DELETE", "/apis/apps/v1/namespaces/default/deployments/d");
        Assert.Equal("deployments.apps \"d\" is forbidden: User \"jane\" cannot delete resource \"deployments\" in API group \"apps\" in the namespace \"default\"", status.Str("message"));
        (_, status) = await AsAsync("jane", "GET", "/metrics");
        Assert.Equal("forbidden: User \"jane\" cannot get path \"/metrics\"", status.Str("message"));
        Assert.Equal(HttpStatusCode.OK, (await AsAsync("jane", "GET", "/apis")).Code);
        using var anonymous = _cluster.Client(certificate: false);
        Assert.Equal(HttpStatusCode.Unauthorized, (await anonymous.GetAsync("/api/v1/namespaces")).StatusCode);
    }

    [Fact]
    public async Task A_role_binding_gives_its_rights_in_its_namespace_and_by_name()
    {
        await PostAsync(Rbac + "namespaces/default/roles", """{"metadata":{"name":"r"},"rules":[{"verbs":["get","update"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["mine"]}]}""");
        await BindAsync("default", "Role", "r", "jane");
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("mine"));
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("other"));
        Assert.Equal(HttpStatusCode.OK, (await AsAsync("jane", "GET", ConfigMaps + "/mine")).Code);
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("jane", "GET", ConfigMaps + "/other")).Code);
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("jane", "GET", ConfigMaps)).Code);
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("jane", "GET", "/api/v1/namespaces/kube-system/configmaps/mine")).Code);
        Assert.Equal("yes", (await _cluster.KubectlAsync("auth can-i update configmaps/mine --as=jane")).Trim());
        Assert.StartsWith("no", await _cluster.KubectlAsync("auth can-i create pods --as=jane"), StringComparison.Ordinal);
        Assert.Contains("[mine]", await _cluster.KubectlAsync("auth can-i --list --as=jane"));
    }

    [Fact]
    public async Task A_missing_role_is_told_as_the_reason()
    {
        await BindAsync("default", "ClusterRole", "nowhere", "jane");
        var (_, status) = await AsAsync("jane", "GET", ConfigMaps);
        Assert.EndsWith(": RBAC: clusterrole.rbac.authorization.k8s.io \"nowhere\" not found", status.Str("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Aggregated_roles_collect_the_rules_of_the_roles_they_select()
    {
        await BindAsync("default", "ClusterRole", "view", "jane");
        await _cluster.EventuallyAsync(async () => (await AsAsync("jane", "GET", ConfigMaps)).Code == HttpStatusCode.OK, "view has its rules");
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("jane", "GET", "/api/v1/namespaces/default/secrets")).Code);
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("jane", "POST", ConfigMaps, ConfigMap("x"))).Code);
        await PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CrdTests.Widget().ToJsonString());
        await PostAsync(Rbac + "clusterroles", """
            {"metadata":{"name":"widget-view","labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true"}},"rules":[{"verbs":["list"],"apiGroups":["example.com"],"resources":["widgets"]}]}
            """);
        await _cluster.EventuallyAsync(async () => (await AsAsync("jane", "GET", "/apis/example.com/v1/namespaces/default/widgets")).Code == HttpStatusCode.OK, "view has the new rule");
        await BindAsync("default", "ClusterRole", "edit", "ed");
        await _cluster.EventuallyAsync(async () => (await AsAsync("ed", "POST", ConfigMaps, ConfigMap("y" + Guid.NewGuid().ToString("N")))).Code == HttpStatusCode.Created, "edit may create");
        Assert.Equal(HttpStatusCode.Forbidden, (await AsAsync("ed", "GET", Rbac + "namespaces/default/roles")).Code);
    }

    [Fact]
    public async Task Nobody_grants_rights_that_he_does_not_have()
    {
        await PostAsync(Rbac + "clusterroles", """
            {"metadata":{"name":"granter"},"rules":[{"verbs":["*"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]},{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}
            """.Replace("\"*\"", "\"create\",\"update\",\"get\"", StringComparison.Ordinal));
        await BindAsync("default", "ClusterRole", "granter", "jane");
        var (code, _) = await AsAsync("jane", "POST", Rbac + "namespaces/default/roles", Parse("""{"metadata":{"name":"ok"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}"""));
        Assert.Equal(HttpStatusCode.Created, code);
        (code, var status) = await AsAsync("jane", "POST", Rbac + "namespaces/default/roles", Parse("""{"metadata":{"name":"more"},"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]}"""));
        Assert.Equal(HttpStatusCode.Forbidden, code);
        Assert.Equal(
            "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}",
            status.Str("message"));
        (code, _) = await AsAsync("jane", "POST", Rbac + "namespaces/default/rolebindings", Binding("ClusterRole", "cluster-admin", "jane", "up"));
        Assert.Equal(HttpStatusCode.Forbidden, code);
    }

    [Fact]
    public async Task A_role_reference_never_changes_and_bad_roles_are_refused()
    {
        await BindAsync("default", "ClusterRole", "view", "jane");
        var changed = Binding("ClusterRole", "edit", "jane", "view-jane");
        var (code, status) = await _cluster.SendAsync("PUT", Rbac + "namespaces/default/rolebindings/view-jane", changed);
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "roleRef"), (code, status.Arr("details", "causes")![0].Str("field")));
        (_, status) = await _cluster.SendAsync("POST", Rbac + "namespaces/default/roles", Parse("""{"metadata":{"name":"x"},"rules":[{"verbs":[],"nonResourceURLs":["/x"]}]}"""));
        Assert.Equal(["rules[0].verbs", "rules[0].nonResourceURLs"], status.Arr("details", "causes")!.Select(c => c.Str("field")));
    }

    [Fact]
    public async Task A_service_account_acts_by_its_token_with_what_its_bindings_say()
    {
        await PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"robot"}}""");
        var binding = Binding("ClusterRole", "cluster-admin", "robot", "robot");
        binding["subjects"] = JsonNode.Parse("""[{"kind":"ServiceAccount","name":"robot","namespace":"default"}]""");
        var request = Parse("""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}""");
        var (created, token) = await _cluster.SendAsync("POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", request);
        Assert.Equal(HttpStatusCode.Created, created);
        using var robot = _cluster.Client(certificate: false);
        robot.DefaultRequestHeaders.Authorization = new("Bearer", token.Str("status", "token"));
        Assert.Equal(HttpStatusCode.Forbidden, (await robot.GetAsync(ConfigMaps)).StatusCode);
        await PostAsync(Rbac + "namespaces/default/rolebindings", binding.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, (await robot.GetAsync(ConfigMaps)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await robot.GetAsync("/api/v1/namespaces/kube-system/configmaps")).StatusCode);
        var (_, review) = await _cluster.SendAsync("POST", "/apis/authentication.k8s.io/v1/tokenreviews", new JsonObject { ["spec"] = new JsonObject { ["token"] = token.Str("status", "token") } });
        Assert.Equal((true, "system:serviceaccount:default:robot"), (review.Bool("status", "authenticated"), review.Str("status", "user", "username")));
        await _cluster.SendAsync("DELETE", "/api/v1/namespaces/default/serviceaccounts/robot");
        Assert.Equal(HttpStatusCode.Unauthorized, (await robot.GetAsync(ConfigMaps)).StatusCode);
    }

    [Fact]
    public async Task A_token_is_good_for_its_audience_alone_and_dies_with_its_pod()
    {
        await PostAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", "/api/v1/namespaces/default/serviceaccounts/default")).Code == HttpStatusCode.OK, "default account");
        var bound = Parse("""{"spec":{"audiences":["vault"],"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""");
        var (_, token) = await _cluster.SendAsync("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", bound);
        async Task<bool?> Good(string audience) => (await _cluster.SendAsync("POST", "/apis/authentication.k8s.io/v1/tokenreviews", new JsonObject
        {
            ["spec"] = new JsonObject { ["token"] = token.Str("status", "token"), ["audiences"] = new JsonArray(audience) },
        })).Body.Bool("status", "authenticated");
        Assert.Equal((true, false), (await Good("vault"), await Good("other")));
        await _cluster.SendAsync("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0");
        Assert.False(await Good("vault"));
    }

    [Fact]
    public async Task Access_reviews_answer_for_others_with_the_reason()
    {
        await BindAsync("default", "ClusterRole", "cluster-admin", "jane");
        var (_, review) = await _cluster.SendAsync("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", Parse("""
            {"spec":{"user":"jane","resourceAttributes":{"namespace":"default","verb":"get","resource":"pods"}}}
            """));
        Assert.Equal((true, "RBAC: allowed by RoleBinding \"cluster-admin-jane/default\" of ClusterRole \"cluster-admin\" to User \"jane\""), (review.Bool("status", "allowed"), review.Str("status", "reason")));
        (_, review) = await _cluster.SendAsync("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", Parse("""{"spec":{"user":"jane","nonResourceAttributes":{"path":"/metrics","verb":"get"}}}"""));
        Assert.False(review.Bool("status", "allowed"));
    }

    [Fact]
    public async Task The_front_proxys_certificate_vouches_for_the_user_in_its_headers_and_no_other_does()
    {
        var pki = Path.Combine(_cluster.StateDirectory, "pki");
        using var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(pki, "front-proxy-client.crt"), Path.Combine(pki, "front-proxy-client.key"));
        using var proxy = TestCluster.Client(_cluster.Host.Url, _cluster.Host.CertificateAuthority, certificate);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync(ConfigMaps)).StatusCode);
        proxy.DefaultRequestHeaders.Add("X-Remote-User", "jane");
        using var refused = await proxy.GetAsync(ConfigMaps);
        Assert.Contains("User \\\"jane\\\" cannot list", await refused.Content.ReadAsStringAsync());
        proxy.DefaultRequestHeaders.Add("X-Remote-Group", "system:masters");
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync(ConfigMaps)).StatusCode);
        using var admin = _cluster.Client();
        admin.DefaultRequestHeaders.Add("X-Remote-User", "jane");
        Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync(ConfigMaps)).StatusCode);
    }

    private async Task PostAsync(string path, string body)
    {
        var (response, text) = await _cluster.RawAsync("POST", path, body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, text);
    }

    private Task BindAsync(string ns, string kind, string role, string user) =>
        PostAsync($"{Rbac}namespaces/{ns}/rolebindings", Binding(kind, role, user, $"{role}-{user}").ToJsonString());

    private static JsonObject Binding(string kind, string role, string user, string name) => Parse($$"""
        {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{kind}}","name":"{{role}}"},"subjects":[{"kind":"User","name":"{{user}}"}]}
        """);

    /// <summary>As someone else, by impersonation.</summary>
    private async Task<(HttpStatusCode Code, JsonObject Body)> AsAsync(string user, string method, string path, JsonObject? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("Impersonate-User", user);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        using var response = await _cluster.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, Parse(text));
    }
}
