using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Admission;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Crds;

/// <summary>Two versions of a resource that differ in a field's name, converted by a webhook.</summary>
public sealed class ConversionTests : IAsyncLifetime
{
    private const string Crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private TestCluster _cluster = null!;
    private WebhookServer _server = null!;

    public async ValueTask InitializeAsync() => (_cluster, _server) = (await TestCluster.StartAsync(), await WebhookServer.StartAsync());

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Objects_are_written_and_read_in_every_version()
    {
        _server.On("/convert", Convert);
        await InstallAsync();
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", Path("v2"), Object("v2", "a", """{"large":"x"}"""))).Code);
        await _cluster.SendAsync("POST", Path("v1"), Object("v1", "b", """{"big":"y"}"""));
        Assert.Equal("x", (await _cluster.SendAsync("GET", Path("v1") + "/a")).Body.Str("spec", "big"));
        Assert.Equal("y", (await _cluster.SendAsync("GET", Path("v2") + "/b")).Body.Str("spec", "large"));
        _server.Seen.Clear();
        var (_, list) = await _cluster.SendAsync("GET", Path("v2"));
        Assert.Equal(["x", "y"], list.Arr("items")!.Select(i => i.Str("spec", "large")));
        Assert.True(_server.Seen.Count <= 1, "a list is converted in one call");
        var (code, patched) = await _cluster.SendAsync("PATCH", Path("v2") + "/b", Parse("""{"spec":{"large":"z"}}"""), "application/merge-patch+json");
        Assert.Equal((HttpStatusCode.OK, "z"), (code, patched.Str("spec", "large")));
        Assert.Equal("z", (await _cluster.SendAsync("GET", Path("v1") + "/b")).Body.Str("spec", "big"));
        Assert.Equal(["v1"], (await _cluster.SendAsync("GET", Crds + "/widgets.example.com")).Body.Arr("status", "storedVersions")!.Select(v => v.AsString()));
    }

    [Fact]
    public async Task A_watch_shows_its_own_version()
    {
        _server.On("/convert", Convert);
        await InstallAsync();
        await _cluster.SendAsync("POST", Path("v1"), Object("v1", "a", """{"big":"x"}"""));
        using var response = await _cluster.Http.GetAsync(Path("v2") + "?watch=true", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("x", Parse((await lines.ReadLineAsync())!).Str("object", "spec", "large"));
    }

    [Fact]
    public async Task A_conversion_that_fails_or_tampers_is_an_error()
    {
        await InstallAsync();
        await _cluster.SendAsync("POST", Path("v1"), Object("v1", "a", """{"big":"x"}"""));
        var (code, status) = await _cluster.SendAsync("GET", Path("v2") + "/a");
        Assert.Equal(HttpStatusCode.InternalServerError, code);
        Assert.Contains("conversion webhook for example.com/v1, Kind=Widget failed: the server could not find the requested resource", status.Str("message"));
        _server.On("/convert", async review =>
        {
            var answer = await Convert(review);
            answer["response"]!["convertedObjects"]![0]!["metadata"]!["name"] = "other";
            return answer;
        });
        (_, status) = await _cluster.SendAsync("GET", Path("v2") + "/a");
        Assert.Contains("returned invalid converted object at index 0: must have the same name: a != other", status.Str("message"));
    }

    private static Task<JsonObject> Convert(JsonObject review)
    {
        var wanted = review.Str("request", "desiredAPIVersion")!;
        var (from, to) = wanted.EndsWith("v2", StringComparison.Ordinal) ? ("big", "large") : ("large", "big");
        var converted = new JsonArray();
        foreach (var obj in review.Arr("request", "objects")!.Select(o => o!.DeepClone().AsObject()))
        {
            obj["apiVersion"] = wanted;
            obj["spec"]![to] = obj["spec"]![from]?.DeepClone();
            obj["spec"]!.AsObject().Remove(from);
            converted.Add((JsonNode)obj);
        }
        return Task.FromResult(new JsonObject
        {
            ["apiVersion"] = review.Str("apiVersion"),
            ["kind"] = "ConversionReview",
            ["response"] = new JsonObject { ["uid"] = review.Str("request", "uid"), ["result"] = new JsonObject { ["status"] = "Success" }, ["convertedObjects"] = converted },
        });
    }

    private async Task InstallAsync()
    {
        static string Version(string name, string field, bool storage) => $$$$$$$$"""
            {"name":"{{{{{{{{name}}}}}}}}","served":true,"storage":{{{{{{{{(storage ? "true" : "false")}}}}}}}},"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"{{{{{{{{field}}}}}}}}":{"type":"string"}}}}}}}
            """;
        var crd = Parse($$$$$$$"""
            {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
              "versions":[{{{{{{{Version("v1", "big", true)}}}}}}},{{{{{{{Version("v2", "large", false)}}}}}}}],
              "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"]}}}}
            """);
        crd["spec"]!["conversion"]!["webhook"]!["clientConfig"] = _server.ByUrl("/convert");
        var (code, status) = await _cluster.SendAsync("POST", Crds, crd);
        Assert.True(code == HttpStatusCode.Created, status.ToJsonString());
    }

    private static string Path(string version) => $"/apis/example.com/{version}/namespaces/default/widgets";

    private static JsonObject Object(string version, string name, string spec) =>
        Parse($$$$$$$"""{"apiVersion":"example.com/{{{{{{{version}}}}}}}","kind":"Widget","metadata":{"name":"{{{{{{{name}}}}}}}"},"spec":{{{{{{{spec}}}}}}}}""");
}
