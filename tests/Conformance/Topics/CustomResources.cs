using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>The same machinery, with a kind of one's own; each test has its own group.</summary>
public sealed class CustomResources(ApiServer server) : Topic(server)
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private string Group => Namespace + ".example.com";

    private string Widgets => In($"{Group}/v1/widgets");

    protected override async ValueTask PrepareAsync()
    {
        (await Post(Definitions, $$$$$$$$"""
            {"metadata":{"name":"widgets.{{{{{{{{Group}}}}}}}}"},"spec":{"group":"{{{{{{{{Group}}}}}}}}","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget","shortNames":["wd"],"categories":["toys"]},
             "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
              "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Color","type":"string","jsonPath":".spec.color","priority":1}],
              "schema":{"openAPIV3Schema":{"type":"object","description":"A widget is a thing.","required":["spec"],"properties":{
               "spec":{"type":"object","required":["size"],"description":"What it should be.","properties":{"size":{"type":"integer","minimum":1,"description":"How big, in inches."},"color":{"type":"string","enum":["red","blue"],"default":"red"},"replicas":{"type":"integer"},
                "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
                "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"count":{"type":"integer"}}}},
                "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"whole":{"x-kubernetes-int-or-string":true}}},
               "status":{"type":"object","properties":{"replicas":{"type":"integer"},"selector":{"type":"string"},"ready":{"type":"boolean"}}}}}}}]}}
            """)).Expect(201);
        await Eventually.HoldsAsync(async () => (await Get(Widgets)).Code == 200, "the resource is served");
        // Several discovery documents follow; what is asked of them here comes with the group's.
        await Eventually.HoldsAsync(async () => (await Get("/apis/" + Group + "/v1")).Code == 200, "the group is discovered");
    }

    protected override async ValueTask CleanUpAsync() => await Delete($"{Definitions}/widgets.{Group}");

    private Task<Answer> Widget(string name, string spec = """{"size":1}""", string query = "") => Post(Widgets + query, Body(name, spec));

    private string Body(string name, string spec, string more = "") => $$"""{"apiVersion":"{{Group}}/v1","kind":"Widget","metadata":{"name":"{{name}}"},"spec":{{spec}}{{more}}}""";

    [Fact]
    public async Task It_is_listed_with_the_type_of_each_item()
    {
        var created = (await Widget("a")).Expect(201);
        Assert.Equal(("1", "red"), (created["metadata.generation"], created["spec.color"]));
        var list = await Get(Widgets);
        Assert.Equal(("WidgetList", "Widget", Group + "/v1"), (list["kind"], list["items[0].kind"], list["items[0].apiVersion"]));
        Assert.Equal(200, (await Get($"/apis/{Group}/v1/widgets")).Code);
    }

    [Theory]
    [InlineData("""{"size":0}""", "spec.size", "should be greater than or equal to 1")]
    [InlineData("""{"size":"x"}""", "spec.size", "must be of type integer")]
    [InlineData("""{}""", "spec.size", "Required value")]
    [InlineData("""{"size":1,"color":"green"}""", "spec.color", "Unsupported value: \"green\": supported values: \"red\", \"blue\"")]
    [InlineData("""{"size":1,"tags":["a","a"]}""", "spec.tags[1]", "Duplicate value: \"a\"")]
    [InlineData("""{"size":1,"parts":[{"name":"a"},{"name":"a"}]}""", "spec.parts[1]", "Duplicate value")]
    [InlineData("""{"size":1,"parts":[{"count":1}]}""", "spec.parts[0].name", "Required value")]
    [InlineData("""{"size":1,"parts":{}}""", "spec.parts", "must be of type array")]
    public async Task Its_schema_is_enforced(string spec, string field, string message)
    {
        var answer = await Widget("a", spec);
        Assert.Equal((422, "Invalid"), (answer.Code, answer["reason"]));
        Assert.Contains(message, answer["message"]);
        // Old versions leave the index out where a field inside of an item is missing.
        Assert.Contains(answer.CauseFields, f => f == field || (Server.Minor < 25 && f == field.Replace("[0]", "", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Unknown_fields_are_pruned_where_they_are_not_preserved()
    {
        var created = (await Widget("a", """{"size":1,"nonsense":1,"any":{"x":{"y":1}},"whole":"50%"}""")).Expect(201);
        Assert.Null(created["spec.nonsense"]);
        Assert.Equal(("1", "50%"), (created["spec.any.x.y"], created["spec.whole"]));
    }

    [Fact]
    public async Task Status_and_scale_are_subresources()
    {
        (await Post(Widgets, Body("a", """{"size":1,"replicas":2}""", ""","status":{"replicas":9}"""))).Expect(201);
        Assert.Null((await Get(Widgets + "/a"))["status"]);
        var status = (await Patch(Widgets + "/a/status", """{"spec":{"size":9},"status":{"replicas":2,"selector":"a=b"}}""")).Expect(200);
        Assert.Equal(("1", "2", "1"), (status["spec.size"], status["status.replicas"], status["metadata.generation"]));
        var scale = await Get(Widgets + "/a/scale");
        Assert.Equal(("2", "2", "a=b"), (scale["spec.replicas"], scale["status.replicas"], scale["status.selector"]));
        (await Kubectl($"scale --replicas=4 widgets.{Group}/a")).Require();
        var now = await Get(Widgets + "/a");
        Assert.Equal(("4", "2"), (now["spec.replicas"], now["metadata.generation"]));
    }

    [Fact]
    public async Task Merge_and_JSON_patches_work_and_strategic_ones_do_not()
    {
        (await Widget("a", """{"size":1,"tags":["x"]}""")).Expect(201);
        Assert.Equal("2", (await Patch(Widgets + "/a", """{"spec":{"size":2}}""")).Expect(200)["spec.size"]);
        Assert.Equal("3", (await Patch(Widgets + "/a", """[{"op":"replace","path":"/spec/size","value":3}]""", JsonPatch)).Expect(200)["spec.size"]);
        Assert.Equal(415, (await Patch(Widgets + "/a", "{}", Strategic)).Code);
        Assert.Equal(422, (await Patch(Widgets + "/a", """{"spec":{"size":null}}""")).Code);
        Assert.Equal(400, (await Put(Widgets + "/a", """{"apiVersion":"v1","kind":"Widget","metadata":{"name":"a"}}""")).Code);
    }

    [Fact]
    public async Task Apply_merges_lists_by_their_type()
    {
        // 1.20 was seen to take the lists of this very schema as wholes.
        Needs(22, "merging lists of custom resources by their declared type");
        async Task<Answer> As(string manager, string spec) => (await Server.SendAsync("PATCH", $"{Widgets}/a?fieldManager={manager}", Body("a", spec), Apply)).Expect(200 + (manager == "one" ? 1 : 0));
        await As("one", """{"size":1,"tags":["x"],"parts":[{"name":"p","count":1}]}""");
        var both = await As("two", """{"size":1,"tags":["y"],"parts":[{"name":"q","count":2}]}""");
        Assert.Equal(["x", "y"], both.Json.Texts("spec.tags").Order());
        Assert.Equal(["p", "q"], both.Json.Items("spec.parts").Select(p => p.Text("name")!).Order());
        var conflict = await Server.SendAsync("PATCH", $"{Widgets}/a?fieldManager=two", Body("a", """{"size":1,"parts":[{"name":"p","count":9}]}"""), Apply);
        Assert.Contains("conflict with \"one\": .spec.parts[name=\"p\"].count", conflict["message"]);
    }

    [Fact]
    public async Task Kubectl_gets_it_by_short_name_and_category_with_its_columns()
    {
        (await Widget("a", """{"size":7}""")).Expect(201);
        var text = (await Kubectl($"get wd.{Group}")).Require();
        Assert.Matches("NAME +SIZE", text);
        Assert.Matches("a +7", text);
        Assert.Matches("COLOR", (await Kubectl($"get widgets.{Group} -o wide")).Require());
        Assert.Contains($"widget.{Group}/a", (await Kubectl("get toys -o name")).Require());
    }

    [Fact]
    public async Task Kubectl_explains_it_with_its_descriptions()
    {
        var explain = Server.Minor < 24 ? "explain --output=plaintext-openapiv2" : "explain";
        await Eventually.HoldsAsync(async () => (await Kubectl($"{explain} widgets.{Group.Split('.')[0]}.example.com.spec --api-version={Group}/v1")).ExitCode == 0
            || (await Kubectl($"{explain} widgets.spec --api-version={Group}/v1")).ExitCode == 0, "it is explained");
        var text = (await Kubectl($"{explain} widgets.spec --api-version={Group}/v1")).Require();
        Assert.Contains("What it should be.", text);
        Assert.Contains("How big, in inches.", text);
        Assert.Contains("parts", (await Kubectl($"{explain} widgets --recursive --api-version={Group}/v1")).Require());
    }

    [Fact]
    public async Task When_the_definition_goes_its_objects_and_paths_go_too()
    {
        (await Widget("a")).Expect(201);
        (await Delete($"{Definitions}/widgets.{Group}")).Expect(200);
        await Eventually.HoldsAsync(async () => (await Get(Widgets)).Code == 404, "the resource is gone");
    }

    [Fact]
    public async Task Unknown_fields_are_told_when_asked_for()
    {
        Needs(27, "fieldValidation");
        var strict = await Widget("a", """{"size":1,"nonsense":1}""", "?fieldValidation=Strict");
        Assert.Equal(400, strict.Code);
        Assert.Contains("unknown field \"spec.nonsense\"", strict["message"]);
        var warned = (await Widget("a", """{"size":1,"nonsense":1}""")).Expect(201);
        Assert.Contains("unknown field", string.Join(',', warned.Headers.GetValues("Warning")));
    }
}
