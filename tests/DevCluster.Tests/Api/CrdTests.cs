using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

public sealed class CrdTests : IAsyncLifetime
{
    private const string Crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Widgets = "/apis/example.com/v1/namespaces/default/widgets";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_CRD_is_served_as_soon_as_it_is_created_and_its_objects_are_pruned_defaulted_and_validated()
    {
        var (code, crd) = await _cluster.SendAsync("POST", Crds, Widget());
        Assert.Equal(HttpStatusCode.Created, code);
        Assert.Equal(["NamesAccepted=True", "Established=True"], crd.Arr("status", "conditions")!.Select(c => $"{c.Str("type")}={c.Str("status")}"));
        var (created, widget) = await _cluster.SendAsync("POST", Widgets, Object("""{"size":2,"extra":1}"""));
        Assert.Equal(HttpStatusCode.Created, created);
        Assert.Equal("""{"size":2,"color":"red"}""", widget["spec"]!.ToJsonString());
        var (invalid, status) = await _cluster.SendAsync("POST", Widgets, Object("""{"size":"big"}"""));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "spec.size"), (invalid, status.Arr("details", "causes")![0].Str("field")));
        var (strict, why) = await _cluster.RawAsync("POST", Widgets + "?fieldValidation=Strict", Object("""{"size":2,"extra":1}""", "other").ToJsonString());
        Assert.Equal(HttpStatusCode.BadRequest, strict.StatusCode);
        Assert.Contains("unknown field \\\"spec.extra\\\"", why);
    }

    [Fact]
    public async Task Status_and_scale_are_subresources_of_a_custom_resource()
    {
        await _cluster.SendAsync("POST", Crds, Widget());
        await _cluster.SendAsync("POST", Widgets, Object("""{"size":2}"""));
        var (_, status) = await _cluster.SendAsync("PATCH", Widgets + "/w/status", Parse("""{"spec":{"size":9},"status":{"ready":1}}"""), "application/merge-patch+json");
        Assert.Equal((2L, 1L, 1L), (status.Int("spec", "size"), status.Int("status", "ready"), status.Int("metadata", "generation")));
        var (_, changed) = await _cluster.SendAsync("PATCH", Widgets + "/w", Parse("""{"spec":{"size":3},"status":{"ready":7}}"""), "application/merge-patch+json");
        Assert.Equal((1L, 2L), (changed.Int("status", "ready"), changed.Int("metadata", "generation")));
        var (_, scale) = await _cluster.SendAsync("GET", Widgets + "/w/scale");
        Assert.Equal((3L, 1L), (scale.Int("spec", "replicas"), scale.Int("status", "replicas")));
        scale["spec"]!["replicas"] = 5;
        await _cluster.SendAsync("PUT", Widgets + "/w/scale", scale);
        Assert.Equal(5, (await _cluster.SendAsync("GET", Widgets + "/w")).Body.Int("spec", "size"));
    }

    [Fact]
    public async Task Printer_columns_are_shown_in_tables()
    {
        await _cluster.SendAsync("POST", Crds, Widget());
        await _cluster.SendAsync("POST", Widgets, Object("""{"size":2}"""));
        var (_, table) = await _cluster.SendAsync("GET", Widgets, accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(["Name", "Size", "Age"], table.Arr("columnDefinitions")!.Select(c => c.Str("name")));
        Assert.Equal(2, table.Arr("rows")![0].Arr("cells")![1].AsLong());
        Assert.Contains("w      2", await _cluster.KubectlAsync("get wd"));
    }

    [Fact]
    public async Task Every_served_version_shows_the_same_objects()
    {
        var crd = Widget();
        var second = crd.Arr("spec", "versions")![0]!.DeepClone().AsObject();
        second["name"] = "v2";
        second["storage"] = false;
        second["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["shape"] = Parse("""{"type":"string","default":"round"}""");
        crd.Arr("spec", "versions")!.Add((JsonNode)second);
        await _cluster.SendAsync("POST", Crds, crd);
        await _cluster.SendAsync("POST", Widgets, Object("""{"size":2}"""));
        var (_, v2) = await _cluster.SendAsync("GET", "/apis/example.com/v2/namespaces/default/widgets/w");
        Assert.Equal(("example.com/v2", "round"), (v2.Str("apiVersion"), v2.Str("spec", "shape")));
        var (_, list) = await _cluster.SendAsync("GET", "/apis/example.com/v2/widgets");
        Assert.Equal("example.com/v2", list.Arr("items")![0].Str("apiVersion"));
        v2["spec"]!["size"] = 7;
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("PUT", "/apis/example.com/v2/namespaces/default/widgets/w", v2)).Code);
        Assert.Equal(7, (await _cluster.SendAsync("GET", Widgets + "/w")).Body.Int("spec", "size"));
    }

    [Fact]
    public async Task A_changed_CRD_takes_effect_at_once_and_a_deleted_one_takes_its_objects_along()
    {
        var (_, crd) = await _cluster.SendAsync("POST", Crds, Widget());
        await _cluster.SendAsync("POST", Widgets, Object("""{"size":2}"""));
        crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["extra"] = Parse("""{"type":"integer"}""");
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("PUT", Crds + "/widgets.example.com", crd)).Code);
        Assert.Equal(5, (await _cluster.SendAsync("POST", Widgets, Object("""{"extra":5}""", "x"))).Body.Int("spec", "extra"));
        await _cluster.SendAsync("DELETE", Crds + "/widgets.example.com");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(Crds + "/widgets.example.com"), "the CRD is gone");
        Assert.True(await _cluster.IsGoneAsync(Widgets));
        await _cluster.SendAsync("POST", Crds, Widget());
        Assert.Empty((await _cluster.SendAsync("GET", Widgets)).Body.Arr("items")!);
    }

    [Fact]
    public async Task A_CRD_that_makes_no_sense_is_refused_with_causes()
    {
        var crd = Widget();
        crd["spec"]!["scope"] = "Galaxy";
        crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"] = Parse("""{"type":"object","properties":{"spec":{}}}""");
        crd["metadata"]!["name"] = "gadgets.example.com";
        var (code, status) = await _cluster.SendAsync("POST", Crds, crd);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        Assert.Equal(
            ["metadata.name", "spec.scope", "spec.validation.openAPIV3Schema.properties[spec].type"],
            status.Arr("details", "causes")!.Select(c => c.Str("field")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Names_that_are_taken_are_not_accepted()
    {
        await _cluster.SendAsync("POST", Crds, Widget());
        var rival = JsonNode.Parse(Widget().ToJsonString().Replace("widgets", "rivals", StringComparison.Ordinal))!;
        var (_, crd) = await _cluster.SendAsync("POST", Crds, rival);
        Assert.Contains(crd.Arr("status", "conditions")!, c => c.Str("type") == "NamesAccepted" && c.Str("status") == "False");
        Assert.True(await _cluster.IsGoneAsync("/apis/example.com/v1/rivals"));
    }

    [Fact]
    public async Task Projects_CRDs_of_the_wild_install_and_explain()
    {
        var folder = Shared("crds");
        Assert.SkipWhen(folder is null, "no ../shared/crds above the test directory");
        foreach (var file in Directory.EnumerateFiles(folder!, "*.yaml", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "cdi.yaml").Order(StringComparer.Ordinal))
        {
            var output = await _cluster.KubectlAsync($"apply --server-side -f {file}");
            Assert.True(!output.Contains("Error", StringComparison.Ordinal) && !output.Contains("invalid", StringComparison.Ordinal), $"{file}: {output}");
        }
        Assert.Contains("checkpoints", await _cluster.KubectlAsync("explain datavolume.spec"));
    }

    private static string? Shared(string name)
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = Path.Combine(at.FullName, "shared", name);
            if (Directory.Exists(candidate))
                return candidate;
        }
        return null;
    }

    private static JsonObject Object(string spec, string name = "w") =>
        new() { ["apiVersion"] = "example.com/v1", ["kind"] = "Widget", ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = JsonNode.Parse(spec) };

    internal static JsonObject Widget() => Parse("""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},"spec":{
          "group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget","shortNames":["wd"],"categories":["all"]},
          "versions":[{"name":"v1","served":true,"storage":true,
            "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
            "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.ready"}},
            "schema":{"openAPIV3Schema":{"type":"object","properties":{
              "spec":{"type":"object","properties":{"size":{"type":"integer"},"color":{"type":"string","default":"red"}}},
              "status":{"type":"object","properties":{"ready":{"type":"integer"}}}}}}}]}}
        """);
}
