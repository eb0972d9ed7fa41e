using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>A custom resource of two versions that differ in a field's name, converted by a webhook.</summary>
public sealed class Conversion(ApiServer server) : Topic(server)
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private CallbackServer _hook = null!;
    private volatile bool _broken;

    private string Group => Namespace + ".example.com";

    protected override async ValueTask PrepareAsync()
    {
        _hook = await CallbackServer.StartAsync("hook." + Namespace, Convert);
        static string Version(string name, string field, bool storage) => $$$$"""
            {"name":"{{{{name}}}}","served":true,"storage":{{{{(storage ? "true" : "false")}}}},"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"{{{{field}}}}":{"type":"string"} } } } } } }
            """;
        (await Post(Definitions, $$$$"""
            {"metadata":{"name":"widgets.{{{{Group}}}}"},"spec":{"group":"{{{{Group}}}}","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[{{{{Version("v1", "big", true)}}}},{{{{Version("v2", "large", false)}}}}],
             "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{{{{_hook.ByUrl("/convert")}}}} } } } }
            """)).Expect(201);
        foreach (var version in new[] { "v1", "v2" })
            await Eventually.HoldsAsync(async () => (await Get(Widgets(version))).Code == 200, version + " is served");
    }

    protected override async ValueTask CleanUpAsync()
    {
        _broken = false;
        await Delete($"{Definitions}/widgets.{Group}");
        await _hook.DisposeAsync();
    }

    [Fact]
    public async Task Objects_are_written_and_read_in_every_version()
    {
        (await Post(Widgets("v2"), Widget("v2", "a", "large", "x"))).Expect(201);
        (await Post(Widgets("v1"), Widget("v1", "b", "big", "y"))).Expect(201);
        var one = await Get(Widgets("v1") + "/a");
        Assert.Equal((Group + "/v1", "x", null), (one["apiVersion"], one["spec.big"], one["spec.large"]));
        Assert.Equal(["x", "y"], (await Get(Widgets("v2"))).Json.Items("items").Select(i => i.Text("spec.large")));
        Assert.Equal("z", (await Patch(Widgets("v2") + "/b", """{"spec":{"large":"z"}}""")).Expect(200)["spec.large"]);
        Assert.Equal("z", (await Get(Widgets("v1") + "/b"))["spec.big"]);
        Assert.Equal(["v1"], (await Get($"{Definitions}/widgets.{Group}")).Json.Texts("status.storedVersions"));
    }

    [Fact]
    public async Task Where_the_webhook_fails_its_words_are_told_and_the_stored_version_still_reads()
    {
        (await Post(Widgets("v1"), Widget("v1", "a", "big", "x"))).Expect(201);
        _broken = true;
        var failed = await Get(Widgets("v2") + "/a");
        Assert.Equal(500, failed.Code);
        Assert.Contains("conversion webhook for ", failed["message"]);
        Assert.Contains("out of order", failed["message"]);
        (await Get(Widgets("v1") + "/a")).Expect(200);
    }

    private JsonNode Convert(Callback call)
    {
        var desired = call.Body.Text("request.desiredAPIVersion")!;
        var objects = new JsonArray();
        foreach (var item in call.Body.Items("request.objects"))
        {
            var copy = item.DeepClone();
            copy["apiVersion"] = desired;
            var (from, to) = desired.EndsWith("v2", StringComparison.Ordinal) ? ("big", "large") : ("large", "big");
            if (copy["spec"]?[from] is { } value)
            {
                copy["spec"]![to] = value.DeepClone();
                copy["spec"]!.AsObject().Remove(from);
            }
            objects.Add(copy);
        }
        var result = _broken ? new JsonObject { ["status"] = "Failure", ["message"] = "out of order" } : new JsonObject { ["status"] = "Success" };
        var response = new JsonObject { ["uid"] = call.Body.Text("request.uid"), ["result"] = result, ["convertedObjects"] = _broken ? null : objects };
        return new JsonObject { ["apiVersion"] = "apiextensions.k8s.io/v1", ["kind"] = "ConversionReview", ["response"] = response };
    }

    private string Widgets(string version) => In($"{Group}/{version}/widgets");

    private string Widget(string version, string name, string field, string value) => $$$"""{"apiVersion":"{{{Group}}}/{{{version}}}","kind":"Widget","metadata":{"name":"{{{name}}}"},"spec":{"{{{field}}}":"{{{value}}}"} }""";
}
