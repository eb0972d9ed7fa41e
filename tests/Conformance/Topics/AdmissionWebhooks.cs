using System.Text;
using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Mutating and validating webhooks; each test's configuration selects its own namespace alone.</summary>
public sealed class AdmissionWebhooks(ApiServer server) : Topic(server)
{
    private const string Group = "/apis/admissionregistration.k8s.io/v1/";

    private CallbackServer _hook = null!;

    protected override async ValueTask PrepareAsync()
    {
        _hook = await CallbackServer.StartAsync("hook." + Namespace, Answer);
        (await Patch("/api/v1/namespaces/" + Namespace, $$$"""{"metadata":{"labels":{"conformance":"{{{Namespace}}}"} } }""")).Expect(200);
    }

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var kind in new[] { "validating", "mutating" })
            await Delete($"{Group}{kind}webhookconfigurations/{Namespace}");
        await _hook.DisposeAsync();
    }

    [Fact]
    public async Task A_validating_webhook_refuses_in_its_own_words()
    {
        await ConfigureAsync("validating", "/refuse-bad");
        await InForceAsync();
        var refused = await Post(In("configmaps"), """{"metadata":{"name":"bad"}}""");
        Assert.Equal((403, "Forbidden", "admission webhook \"hook.example.com\" denied the request: no bad things"), (refused.Code, refused["reason"], refused["message"]));
        Assert.Equal("data.k", refused.CauseFields.Single());
        (await Post(In("configmaps"), """{"metadata":{"name":"good"}}""")).Expect(201);
        Assert.Contains("denied the request: no bad things", (await Kubectl("create configmap bad")).Error);
    }

    [Fact]
    public async Task A_warning_comes_with_the_answer()
    {
        await ConfigureAsync("validating", "/refuse-bad");
        await InForceAsync();
        var answer = (await Post(In("configmaps"), """{"metadata":{"name":"warned"}}""")).Expect(201);
        Assert.Equal("299 - \"mind the gap\"", answer.Headers.GetValues("Warning").Single());
    }

    [Fact]
    public async Task The_review_tells_all_about_the_request()
    {
        await ConfigureAsync("validating", "/refuse-bad");
        await InForceAsync();
        _hook.Seen.Clear();
        (await Post(In("configmaps?fieldManager=me"), """{"metadata":{"name":"a"},"data":{"k":"1"}}""")).Expect(201);
        (await Patch(In("configmaps/a?dryRun=All"), """{"data":{"k":"2"}}""")).Expect(200);
        (await Delete(In("configmaps/a"))).Expect(200);
        // A new namespace's controllers make config maps of their own.
        var reviews = _hook.Seen.Select(s => s.Body.At("request")!).Where(r => r.Text("name") == "a").ToList();
        Assert.Equal(["CREATE CreateOptions false", "UPDATE UpdateOptions true", "DELETE DeleteOptions false"], reviews.Select(r => $"{r.Text("operation")} {r.Text("options.kind")} {r.Text("dryRun")}"));
        Assert.All(reviews, r => Assert.Equal(("v1", "ConfigMap", "configmaps", "a", Namespace), (r.Text("kind.version"), r.Text("kind.kind"), r.Text("resource.resource"), r.Text("name"), r.Text("namespace"))));
        Assert.Equal(("1", null), (reviews[0].Text("object.data.k"), reviews[0].Text("oldObject")));
        Assert.Equal(("2", "1"), (reviews[1].Text("object.data.k"), reviews[1].Text("oldObject.data.k")));
        Assert.Equal((null, "1"), (reviews[2].Text("object"), reviews[2].Text("oldObject.data.k")));
    }

    [Fact]
    public async Task A_mutating_webhook_changes_the_object_before_it_is_validated()
    {
        await ConfigureAsync("mutating", "/patch");
        await Eventually.HoldsAsync(async () => (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"a"},"data":{"k":"1"}}""")).Json.Text("data.added") == "yes", "the webhook is in force");
        var created = (await Post(In("configmaps"), """{"metadata":{"name":"a"},"data":{"k":"1"}}""")).Expect(201);
        Assert.Equal(("yes", "1"), (created["data.added"], created["data.k"]));
    }

    [Fact]
    public async Task Who_cannot_be_reached_fails_the_request_or_is_passed_over_as_his_policy_says()
    {
        await ConfigureAsync("validating", "/refuse-bad", policy: "Fail", client: """{"url":"https://127.0.0.1:1/none"}""");
        await Eventually.HoldsAsync(async () => (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"a"}}""")).Code == 500, "the webhook is in force");
        var failed = await Post(In("configmaps"), """{"metadata":{"name":"a"}}""");
        Assert.Equal("InternalError", failed["reason"]);
        Assert.StartsWith("Internal error occurred: failed calling webhook \"hook.example.com\": ", failed["message"], StringComparison.Ordinal);
        (await Patch($"{Group}validatingwebhookconfigurations/{Namespace}", """[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]""", JsonPatch)).Expect(200);
        await Eventually.HoldsAsync(async () => (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"a"}}""")).Code == 201, "it is passed over");
    }

    [Fact]
    public async Task A_webhook_with_side_effects_is_not_asked_in_a_dry_run()
    {
        await ConfigureAsync("validating", "/refuse-bad", effects: "NoneOnDryRun");
        await InForceAsync();
        _hook.Seen.Clear();
        (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"a"}}""")).Expect(201);
        Assert.Single(_hook.Seen);
        // v1 knows no webhook that can't say so.
        var unsure = await Post(Group + "validatingwebhookconfigurations", Configuration("Validating", "/refuse-bad", "Fail", "Unknown", _hook.ByUrl("/"), Namespace + "-2"));
        Assert.Equal((422, "webhooks[0].sideEffects"), (unsure.Code, unsure.CauseFields.Single()));
    }

    private static JsonNode Answer(Callback call)
    {
        var request = call.Body.At("request")!;
        var response = new JsonObject { ["uid"] = request.Text("uid"), ["allowed"] = true };
        switch (call.Path)
        {
            case "/refuse-bad" when request.Text("name") == "bad":
                response["allowed"] = false;
                response["status"] = JsonNode.Parse("""{"message":"no bad things","reason":"Forbidden","code":403,"details":{"causes":[{"field":"data.k"}]}}""");
                break;
            case "/refuse-bad":
                response["warnings"] = new JsonArray("mind the gap");
                break;
            default:
                response["patchType"] = "JSONPatch";
                response["patch"] = Convert.ToBase64String(Encoding.UTF8.GetBytes("""[{"op":"add","path":"/data/added","value":"yes"}]"""));
                break;
        }
        return new JsonObject { ["apiVersion"] = "admission.k8s.io/v1", ["kind"] = "AdmissionReview", ["response"] = response };
    }

    private async Task ConfigureAsync(string kind, string path, string policy = "Fail", string effects = "None", string? client = null) =>
        (await Post($"{Group}{kind}webhookconfigurations", Configuration(char.ToUpperInvariant(kind[0]) + kind[1..], path, policy, effects, client ?? _hook.ByUrl(path), Namespace))).Expect(201);

    private string Configuration(string kind, string path, string policy, string effects, string client, string name) => $$$$"""
        {"kind":"{{{{kind}}}}WebhookConfiguration","apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":"{{{{name}}}}"},"webhooks":[{"name":"hook.example.com","clientConfig":{{{{client}}}},
         "rules":[{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}],"admissionReviewVersions":["v1"],"sideEffects":"{{{{effects}}}}","failurePolicy":"{{{{policy}}}}","timeoutSeconds":5,
         "namespaceSelector":{"matchLabels":{"conformance":"{{{{Namespace}}}}"} } }]}
        """;

    private Task InForceAsync() => Eventually.HoldsAsync(async () => (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"bad"}}""")).Code == 403, "the webhook is in force");
}
