using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Admission;

public sealed class WebhookTests : IAsyncLifetime
{
    private const string Group = "/apis/admissionregistration.k8s.io/v1/";
    private TestCluster _cluster = null!;
    private WebhookServer _server = null!;

    public async ValueTask InitializeAsync() => (_cluster, _server) = (await TestCluster.StartAsync(), await WebhookServer.StartAsync());

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_validating_webhook_refuses_with_its_own_status_and_warns()
    {
        _server.Respond("/v", request => new JsonObject
        {
            ["allowed"] = request.Str("object", "data", "k") != "bad",
            ["status"] = Parse("""{"message":"no bad things","reason":"Forbidden","code":403,"details":{"causes":[{"field":"data.k"}]}}"""),
            ["warnings"] = new JsonArray("mind the gap"),
        });
        await ConfigureAsync("validating", Hook("/v"));
        var (code, status) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a", "bad"));
        Assert.Equal((HttpStatusCode.Forbidden, "Forbidden"), (code, status.Str("reason")));
        Assert.Equal("admission webhook \"hook.example.com\" denied the request: no bad things", status.Str("message"));
        Assert.Equal("data.k", status.Arr("details", "causes")![0].Str("field"));
        var (response, _) = await _cluster.RawAsync("POST", ConfigMaps, ConfigMap("a").ToJsonString());
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Contains("mind the gap", response.Headers.GetValues("Warning").Single());
        Assert.Contains("denied the request", await _cluster.KubectlAsync("create configmap b --from-literal=k=bad"));
    }

    [Fact]
    public async Task The_review_tells_all_about_the_request()
    {
        _server.Allow("/v");
        await ConfigureAsync("validating", Hook("/v", h => h["rules"]![0]!["operations"] = new JsonArray("*")));
        await _cluster.SendAsync("POST", ConfigMaps + "?fieldManager=me", ConfigMap("a"));
        await _cluster.SendAsync("PATCH", ConfigMaps + "/a?dryRun=All", Parse("""{"data":{"k":"2"}}"""), "application/merge-patch+json");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/a");
        var seen = _server.Seen.Select(s => s.Review.Obj("request")!).ToList();
        Assert.Equal(["CREATE", "UPDATE", "DELETE"], seen.Select(r => r.Str("operation")));
        Assert.Equal(["CreateOptions", "UpdateOptions", "DeleteOptions"], seen.Select(r => r.Str("options", "kind")));
        Assert.Equal([false, true, false], seen.Select(r => r.Bool("dryRun")!.Value));
        Assert.Equal(("a", "default", "kubernetes-admin"), (seen[0].Str("name"), seen[0].Str("namespace"), seen[0].Str("userInfo", "username")));
        Assert.Equal(("", "v1", "ConfigMap", "configmaps"), (seen[0].Str("kind", "group"), seen[0].Str("kind", "version"), seen[0].Str("kind", "kind"), seen[0].Str("resource", "resource")));
        Assert.Equal(("2", "1"), (seen[1].Str("object", "data", "k"), seen[1].Str("oldObject", "data", "k")));
        Assert.Equal((null, "1"), (seen[2].Str("object", "data", "k"), seen[2].Str("oldObject", "data", "k")));
    }

    [Fact]
    public async Task A_connection_to_a_pod_is_admitted_too()
    {
        _server.Respond("/v", r => new JsonObject { ["allowed"] = r.Arr("object", "command")?[0].AsString() != "rm" });
        await ConfigureAsync("validating", Hook("/v", h => h["rules"] = Parse("""{"x":[{"operations":["CONNECT"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods/exec"]}]}""")["x"]!.DeepClone()));
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/pods", Parse("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""));
        var (code, refused) = await _cluster.SendAsync("POST", "/api/v1/namespaces/default/pods/p/exec?command=rm&command=-rf&stdout=true&tty=false");
        Assert.Equal((HttpStatusCode.BadRequest, "admission webhook \"hook.example.com\" denied the request without explanation"), (code, refused.Str("message")));
        var review = _server.Seen.Single().Review.Obj("request")!;
        Assert.Equal(("CONNECT", "PodExecOptions", "pods", "exec", "p"), (review.Str("operation"), review.Str("kind", "kind"), review.Str("resource", "resource"), review.Str("subResource"), review.Str("name")));
        Assert.Equal("""{"kind":"PodExecOptions","apiVersion":"v1","command":["rm","-rf"],"stdout":true,"tty":false}""", review.Obj("object")!.ToJsonString());
        // Let through, it fails of what it is: no node runs that pod.
        var (_, other) = await _cluster.SendAsync("POST", "/api/v1/namespaces/default/pods/p/exec?command=ls");
        Assert.Equal("pod p does not have a host assigned", other.Str("message"));
    }

    [Fact]
    public async Task Mutating_webhooks_patch_in_order_and_are_asked_again_when_a_later_one_changed_the_object()
    {
        _server.Patch("/first", r => r.At("object", "data", "first") is null
            ? """[{"op":"add","path":"/data/first","value":"1"}]"""
            : r.At("object", "data", "second") is null ? "[]" : """[{"op":"add","path":"/data/again","value":"1"}]""");
        _server.Patch("/second", r => $$"""[{"op":"add","path":"/data/second","value":"{{r.Str("object", "data", "first")}}"}]""");
        await ConfigureAsync("mutating", Hook("/first", h => h["reinvocationPolicy"] = "IfNeeded"), Hook("/second", h => h["name"] = "second.example.com"));
        var (_, created) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal("""{"k":"1","first":"1","second":"1","again":"1"}""", created["data"]!.ToJsonString());
        Assert.Equal(["/first", "/second", "/first"], _server.Seen.Select(s => s.Path));
    }

    [Fact]
    public async Task A_service_is_called_through_its_endpoints_with_its_name_as_the_certificates()
    {
        _server.Respond("/v", _ => new JsonObject { ["allowed"] = false });
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/services", Parse("""{"metadata":{"name":"hook"},"spec":{"ports":[{"port":443}]}}"""));
        await _cluster.SendAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", Parse($$$"""
            {"metadata":{"name":"hook-1","labels":{"kubernetes.io/service-name":"hook"}},"addressType":"IPv4","ports":[{"port":{{{_server.Port}}}}],"endpoints":[{"addresses":["127.0.0.1"]}]}
            """));
        var config = new JsonObject { ["caBundle"] = _server.CaBundle, ["service"] = Parse("""{"namespace":"default","name":"hook","path":"/v"}""") };
        await ConfigureAsync("validating", Hook("/v", h => h["clientConfig"] = config));
        var (code, status) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal((HttpStatusCode.BadRequest, "admission webhook \"hook.example.com\" denied the request without explanation"), (code, status.Str("message")));
    }

    [Fact]
    public async Task The_failure_policy_decides_about_a_webhook_that_does_not_answer()
    {
        await ConfigureAsync("validating", Hook("/nothing"));
        var (code, status) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(HttpStatusCode.InternalServerError, code);
        Assert.Equal("Internal error occurred: failed calling webhook \"hook.example.com\": failed to call webhook: the server could not find the requested resource", status.Str("message"));
        await _cluster.SendAsync("PATCH", Group + "validatingwebhookconfigurations/hooks", JsonNode.Parse("""[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]"""), "application/json-patch+json");
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"))).Code);
    }

    [Fact]
    public async Task A_webhook_that_is_too_slow_or_not_trusted_fails()
    {
        var never = new TaskCompletionSource<JsonObject>();
        _server.On("/slow", _ => never.Task);
        await ConfigureAsync("validating", Hook("/slow", h => h["timeoutSeconds"] = 1));
        var (_, slow) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        never.SetResult([]);
        Assert.EndsWith($"failed to call webhook: Post \"https://127.0.0.1:{_server.Port}/slow?timeout=1s\": context deadline exceeded", slow.Str("message"), StringComparison.Ordinal);
        await _cluster.SendAsync("DELETE", Group + "validatingwebhookconfigurations/hooks");
        var stranger = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(_cluster.Host.CertificateAuthority.ExportCertificatePem()));
        await ConfigureAsync("validating", Hook("/slow", h => h["clientConfig"]!["caBundle"] = stranger));
        var (_, untrusted) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Contains("certificate signed by unknown authority", untrusted.Str("message"));
    }

    [Fact]
    public async Task Selectors_rules_and_subresources_choose_what_is_reviewed()
    {
        _server.Respond("/v", _ => new JsonObject { ["allowed"] = false });
        await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"guarded","labels":{"guard":"yes"}}}"""));
        await ConfigureAsync("validating", Hook("/v", h =>
        {
            h["namespaceSelector"] = Parse("""{"matchLabels":{"guard":"yes"}}""");
            h["objectSelector"] = Parse("""{"matchExpressions":[{"key":"skip","operator":"DoesNotExist"}]}""");
        }));
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"))).Code);
        const string guarded = "/api/v1/namespaces/guarded/configmaps";
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", guarded, ConfigMap("a", metadata: Parse("""{"labels":{"skip":""}}""")))).Code);
        Assert.Equal(HttpStatusCode.BadRequest, (await _cluster.SendAsync("POST", guarded, ConfigMap("b"))).Code);
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", "/api/v1/namespaces/guarded/secrets", Parse("""{"metadata":{"name":"s"}}"""))).Code);
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/pods", Parse("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""));
        await ConfigureAsync("validating", "evictions", Hook("/v", h => h["rules"]![0]!["resources"] = new JsonArray("pods/eviction")));
        var (code, _) = await _cluster.SendAsync("POST", "/api/v1/namespaces/default/pods/p/eviction", Parse("""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}"""));
        Assert.Equal(HttpStatusCode.BadRequest, code);
        var request = _server.Seen.Last().Review.Obj("request")!;
        Assert.Equal(("policy", "Eviction", "pods", "eviction"), (request.Str("kind", "group"), request.Str("kind", "kind"), request.Str("resource", "resource"), request.Str("subResource")));
    }

    [Fact]
    public async Task Dry_runs_are_refused_for_webhooks_with_side_effects_and_bad_configurations_are_refused_with_causes()
    {
        var broken = Hook("/v", h =>
        {
            h["name"] = "short";
            h["sideEffects"] = "Some";
            h["timeoutSeconds"] = 60;
            h["clientConfig"] = Parse("""{"url":"http://x/"}""");
            h["admissionReviewVersions"] = new JsonArray("v9");
            h["rules"]![0]!["operations"] = new JsonArray("READ");
        });
        var (code, status) = await _cluster.SendAsync("POST", Group + "validatingwebhookconfigurations", Configuration("hooks", broken));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        Assert.Equal(
            ["webhooks[0].admissionReviewVersions", "webhooks[0].clientConfig.url", "webhooks[0].name", "webhooks[0].rules[0].operations[0]", "webhooks[0].sideEffects", "webhooks[0].timeoutSeconds"],
            status.Arr("details", "causes")!.Select(c => c.Str("field")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Match_conditions_choose_by_expression_and_are_checked_at_install()
    {
        _server.Respond("/v", _ => new JsonObject { ["allowed"] = false });
        var wrong = Hook("/v", h => h["matchConditions"] = JsonNode.Parse("""[{"name":"c","expression":"object.data.k =="}]"""));
        var (code, status) = await _cluster.SendAsync("POST", Group + "validatingwebhookconfigurations", Configuration("hooks", wrong));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "webhooks[0].matchConditions[0].expression"), (code, status.Arr("details", "causes")![0].Str("field")));
        await ConfigureAsync("validating", Hook("/v", h => h["matchConditions"] = JsonNode.Parse("""
            [{"name":"not-me","expression":"request.userInfo.username != 'jane'"},{"name":"bad","expression":"object.data.k == 'bad'"}]
            """)));
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"))).Code);
        Assert.Empty(_server.Seen);
        Assert.Equal(HttpStatusCode.BadRequest, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("b", "bad"))).Code);
        (code, status) = await _cluster.SendAsync("POST", ConfigMaps, Parse("""{"metadata":{"name":"c"}}"""));
        Assert.Equal((HttpStatusCode.Forbidden, "configmaps \"c\" is forbidden: expression 'object.data.k == 'bad'' resulted in error: no such key: data"), (code, status.Str("message")));
    }

    [Fact]
    public async Task Match_conditions_ask_what_the_user_may_do()
    {
        _server.Respond("/v", _ => new JsonObject { ["allowed"] = false });
        async Task<HttpStatusCode> Create(string condition, string user)
        {
            await _cluster.SendAsync("DELETE", Group + "validatingwebhookconfigurations/hooks");
            await ConfigureAsync("validating", Hook("/v", h => h["matchConditions"] = new JsonArray(new JsonObject { ["name"] = "c", ["expression"] = condition })));
            var (response, _) = await _cluster.RawAsync("POST", ConfigMaps + "?dryRun=All", ConfigMap("a").ToJsonString(), header: ("Impersonate-User", user));
            return response.StatusCode;
        }
        await _cluster.SendAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", Parse("""
            {"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["create"]},{"apiGroups":["apps"],"resources":["deployments/scale"],"resourceNames":["d"],"verbs":["update"]},
             {"nonResourceURLs":["/secret"],"verbs":["get"]}]}
            """));
        foreach (var (name, subject) in new[] { ("jane", """{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"}"""), ("sa", """{"kind":"ServiceAccount","namespace":"default","name":"robot"}""") })
        {
            await _cluster.SendAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", Parse($$"""
                {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{{subject}}]}
                """));
        }
        // Called, and thus refused, where the condition holds.
        foreach (var holds in new[]
        {
            "authorizer.group('').resource('configmaps').namespace('default').check('create').allowed()", "authorizer.requestResource.check('create').allowed()",
            "!authorizer.requestResource.check('delete').allowed()", "authorizer.group('apps').resource('deployments').subresource('scale').name('d').check('update').allowed()",
            "!authorizer.group('apps').resource('deployments').subresource('scale').name('other').check('update').allowed()", "authorizer.path('/secret').check('get').allowed()",
            "authorizer.serviceAccount('default', 'robot').path('/secret').check('get').allowed() && !authorizer.serviceAccount('default', 'other').path('/secret').check('get').allowed()",
            "authorizer.path('/secret').check('get').reason().startsWith('RBAC: allowed by ClusterRoleBinding') && authorizer.path('/x').check('get').error() == ''", "!authorizer.path('/x').check('get').errored()",
        })
            Assert.True(HttpStatusCode.BadRequest == await Create(holds, "jane"), holds);
        Assert.Equal(HttpStatusCode.Created, await Create("authorizer.path('/other').check('get').allowed()", "jane"));
        // Three checks are more than one condition may cost.
        var three = string.Join(" || ", Enumerable.Range(0, 3).Select(i => $"authorizer.path('/x{i}').check('get').allowed()"));
        Assert.Equal(HttpStatusCode.Forbidden, await Create(three, "jane"));
        var wrong = Hook("/v", h => h["matchConditions"] = JsonNode.Parse("""[{"name":"c","expression":"authorizer.serviceAccount('a', 'b').requestResource.check('get').allowed()"}]"""));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await _cluster.SendAsync("POST", Group + "validatingwebhookconfigurations", Configuration("wrong", wrong))).Code);
    }

    [Fact]
    public async Task An_answer_to_another_question_is_a_failed_call()
    {
        _server.On("/v", _ => Task.FromResult(Parse("""{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"other","allowed":true}}""")));
        await ConfigureAsync("validating", Hook("/v"));
        var (_, status) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Contains("failed calling webhook \"hook.example.com\": received invalid webhook response: expected response.uid=", status.Str("message"));
    }

    private Task ConfigureAsync(string kind, params JsonObject[] hooks) => ConfigureAsync(kind, "hooks", hooks);

    private async Task ConfigureAsync(string kind, string name, params JsonObject[] hooks)
    {
        var (code, status) = await _cluster.SendAsync("POST", $"{Group}{kind}webhookconfigurations", Configuration(name, hooks));
        Assert.True(code == HttpStatusCode.Created, status.ToJsonString());
    }

    private static JsonObject Configuration(string name, params JsonObject[] hooks) =>
        new() { ["metadata"] = new JsonObject { ["name"] = name }, ["webhooks"] = new JsonArray([.. hooks]) };

    /// <summary>A webhook for creates and updates of ConfigMaps in the default namespace, unless changed.</summary>
    private JsonObject Hook(string path, Action<JsonObject>? change = null)
    {
        var hook = Parse("""
            {"name":"hook.example.com","sideEffects":"None","admissionReviewVersions":["v1"],
             "rules":[{"operations":["CREATE","UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}],
             "objectSelector":{"matchExpressions":[{"key":"never","operator":"DoesNotExist"}]},
             "namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["default"]}]}}
            """);
        hook["clientConfig"] = _server.ByUrl(path);
        change?.Invoke(hook);
        return hook;
    }
}
