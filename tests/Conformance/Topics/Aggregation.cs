using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>An APIService whose backend stands behind a service of type ExternalName.</summary>
public sealed class Aggregation(ApiServer server) : Topic(server)
{
    private const string Services = "/apis/apiregistration.k8s.io/v1/apiservices";

    private CallbackServer _backend = null!;

    /// <summary>The namespace in which the backend has an object.</summary>
    private volatile string? _kept;

    private string Group => Namespace + ".example.com";

    private string Api => $"/apis/{Group}/v1";

    protected override async ValueTask PrepareAsync()
    {
        _backend = await CallbackServer.StartAsync("backend." + Namespace, Answer);
        (await Post(In("services"), $$$"""{"metadata":{"name":"backend"},"spec":{"type":"ExternalName","externalName":"localhost","ports":[{"port":{{{_backend.Port}}}}]} }""")).Expect(201);
        (await Post(Services, $$$$"""
            {"metadata":{"name":"v1.{{{{Group}}}}"},"spec":{"group":"{{{{Group}}}}","version":"v1","groupPriorityMinimum":100,"versionPriority":100,"caBundle":"{{{{_backend.CaBundle}}}}","service":{"name":"backend","namespace":"{{{{Namespace}}}}","port":{{{{_backend.Port}}}}} } }
            """)).Expect(201);
        await Eventually.HoldsAsync(async () => await ConditionAsync() == "True" && (await Get(Api + "/things/ready")).Code == 200, "the APIService is available");
    }

    protected override async ValueTask CleanUpAsync()
    {
        await Delete($"{Services}/v1.{Group}");
        await _backend.DisposeAsync();
    }

    [Fact]
    public async Task A_request_reaches_the_backend_as_it_is_with_its_user_vouched_for()
    {
        var answer = (await Post(Api + "/namespaces/x/things/y/act?a=b", """{"hello":"world"}""")).Expect(200);
        Assert.Equal(("POST", $"{Api}/namespaces/x/things/y/act", "?a=b", "world"), (answer["method"], answer["path"], answer["query"], answer["body.hello"]));
        Assert.NotEqual("", answer["user"]);
        Assert.Contains("system:authenticated", answer["groups"]);
        // Who sends such headers himself does not become somebody else.
        using var forged = new HttpRequestMessage(HttpMethod.Get, Api + "/things/z") { Headers = { { "X-Remote-User", "mallory" } } };
        var text = await (await Server.Http.SendAsync(forged)).Content.ReadAsStringAsync();
        Assert.DoesNotContain("mallory", text);
    }

    [Fact]
    public async Task Its_group_is_discovered_and_its_resources_are_kubectls()
    {
        Assert.Contains(Group, (await Get("/apis")).Json.Items("groups").Select(g => g.Text("name")));
        Assert.Equal("v1", (await Get("/apis/" + Group)).Expect(200)["preferredVersion.version"]);
        await Eventually.HoldsAsync(async () => (await Kubectl($"api-resources --api-group={Group}")).Output.Contains("things", StringComparison.Ordinal), "kubectl lists it");
    }

    [Fact]
    public async Task What_the_backend_refuses_is_refused_and_a_backend_that_is_gone_is_unavailable()
    {
        Assert.Equal(404, (await Get(Api + "/things/none")).Code);
        await Delete(In("services/backend"));
        await Eventually.HoldsAsync(async () => (await Get(Api + "/things/y")).Code == 503 && await ConditionAsync() == "False", "it is unavailable");
        Assert.Equal("ServiceNotFound", (await Get($"{Services}/v1.{Group}")).Json.Items("status.conditions").Single(c => c.Text("type") == "Available").Text("reason"));
    }

    [Fact]
    public async Task Who_may_not_is_refused_before_the_backend_is_asked()
    {
        _backend.Seen.Clear();
        using var request = new HttpRequestMessage(HttpMethod.Get, Api + "/things/secret") { Headers = { { "Impersonate-User", "nobody-" + Namespace } } };
        Assert.Equal(403, (int)(await Server.Http.SendAsync(request)).StatusCode);
        Assert.DoesNotContain(_backend.Seen, s => s.Path.EndsWith("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Its_OpenAPI_v2_document_is_part_of_the_servers()
    {
        var path = $"paths['{Api}/namespaces/{{namespace}}/things'].get.responses.200.schema.$ref";
        await Eventually.HoldsAsync(async () => (await Get("/openapi/v2"))[path] is not null, "the document has the path");
        var document = (await Get("/openapi/v2")).Json;
        var thing = document.Text(path)!.Split('/')[^1];
        // What it calls by a name that means something else here has another.
        var config = document.Text($"definitions['{thing}'].properties.config.$ref")!.Split('/')[^1];
        Assert.Equal($"of {Namespace}", document.Text($"definitions['{config}'].description"));
        Assert.StartsWith("io.k8s.api.core.v1.ConfigMap_v", config);
        Assert.NotNull(document.At("definitions['io.k8s.api.core.v1.ConfigMap'].properties.binaryData"));
    }

    [Fact]
    public async Task A_namespace_is_emptied_of_what_only_the_backend_knows()
    {
        NeedsControllers();
        var doomed = "doomed-" + Namespace;
        (await Post("/api/v1/namespaces", $$"""{"metadata":{"name":"{{doomed}}"} }""")).Expect(201);
        _kept = doomed;
        (await Delete("/api/v1/namespaces/" + doomed)).Expect(200);
        await Eventually.HoldsAsync(async () => (await Get("/api/v1/namespaces/" + doomed)).Code == 404, "the namespace is gone");
        Assert.Null(_kept);
    }

    private async Task<string?> ConditionAsync() => (await Get($"{Services}/v1.{Group}")).Json.Items("status.conditions").SingleOrDefault(c => c.Text("type") == "Available").Text("status");

    private JsonNode? Answer(Callback call)
    {
        if (call.Path == Api)
            return JsonNode.Parse($$$"""{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"{{{Group}}}/v1","resources":[{"name":"things","singularName":"thing","namespaced":true,"kind":"Thing","verbs":["get","list","delete"]}]}""");
        if (call.Path == "/openapi/v2")
        {
            return JsonNode.Parse($$"""
                {"swagger":"2.0","info":{"title":"backend","version":"1"},
                 "paths":{"{{Api}}/namespaces/{namespace}/things":{"get":{"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/thing.{{Namespace}}"} } } } } },
                 "definitions":{"thing.{{Namespace}}":{"type":"object","properties":{"config":{"$ref":"#/definitions/io.k8s.api.core.v1.ConfigMap"} } },
                  "io.k8s.api.core.v1.ConfigMap":{"type":"object","description":"of {{Namespace}}"} } }
                """);
        }
        if (_kept is { } kept && call.Path.StartsWith($"{Api}/namespaces/{kept}/things", StringComparison.Ordinal))
        {
            // All together isn't possible here.
            if (call.Method == "DELETE" && call.Path.EndsWith("/things", StringComparison.Ordinal))
                return null;
            if (call.Method == "DELETE")
                _kept = null;
            return JsonNode.Parse($$"""{"kind":"ThingList","apiVersion":"{{Group}}/v1","metadata":{},"items":[{"kind":"Thing","apiVersion":"{{Group}}/v1","metadata":{"name":"it","namespace":"{{kept}}"} }]}""");
        }
        // Every namespace that is deleted while this runs asks.
        if (call.Path.EndsWith("/things", StringComparison.Ordinal))
            return JsonNode.Parse($$"""{"kind":"ThingList","apiVersion":"{{Group}}/v1","metadata":{},"items":[]}""");
        if (!call.Path.StartsWith(Api + "/", StringComparison.Ordinal) || call.Path.EndsWith("/none", StringComparison.Ordinal))
            return null;
        return new JsonObject
        {
            ["method"] = call.Method,
            ["path"] = call.Path,
            ["query"] = call.Query,
            ["body"] = call.Body?.DeepClone(),
            ["user"] = call.Headers["X-Remote-User"].ToString(),
            ["groups"] = call.Headers["X-Remote-Group"].ToString(),
        };
    }
}
