using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>JSON patch, merge patch and strategic merge patch.</summary>
public sealed class Patches(ApiServer server) : Topic(server)
{
    private const string Workload = """
        {"metadata":{"name":"d","labels":{"x":"1","y":"2"},"finalizers":["example.com/a","example.com/b"]},"spec":{"paused":true,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
         "spec":{"nodeSelector":{"n":"1"},"tolerations":[{"key":"t1","operator":"Exists"}],"imagePullSecrets":[{"name":"s1"}],
          "volumes":[{"name":"v","emptyDir":{}},{"name":"w","configMap":{"name":"m"}}],
          "containers":[{"name":"one","image":"i:1","args":["a","b"],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]},
                        {"name":"two","image":"i:2"}]}}}}
        """;

    private const string Spec = "spec.template.spec";

    protected override async ValueTask CleanUpAsync() => await Patch(In("apps/v1/deployments/d"), """{"metadata":{"finalizers":null}}""");

    public static TheoryData<string, string, string> StrategicCases => new()
    {
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","image":"i:9"}]}}}}""", Spec + ".containers[0].image", "i:9" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","image":"i:9"}]}}}}""", Spec + ".containers[1].image", "i:2" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","env":[{"name":"C","value":"3"}]}]}}}}""", Spec + ".containers[0].env", """[{"name":"C","value":"3"},{"name":"A","value":"1"},{"name":"B","value":"2"}]""" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","env":[{"name":"A","$patch":"delete"}]}]}}}}""", Spec + ".containers[0].env", """[{"name":"B","value":"2"}]""" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","env":[{"name":"A","value":null}]}]}}}}""", Spec + ".containers[0].env", """[{"name":"A"},{"name":"B","value":"2"}]""" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","args":["z"]}]}}}}""", Spec + ".containers[0].args", """["z"]""" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","args":null}]}}}}""", Spec + ".containers[0].args", "" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"one","ports":[{"containerPort":80,"protocol":"TCP","name":"http"}]}]}}}}""", Spec + ".containers[0].ports", """[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]""" },
        { """{"spec":{"template":{"spec":{"containers":[{"name":"two","$patch":"delete"}]}}}}""", Spec + ".containers[1]", "" },
        { """{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"three","image":"i:3"}]}}}}""", Spec + ".containers[0].name", "three" },
        { """{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"three","image":"i:3"}]}}}}""", Spec + ".containers[1]", "" },
        { """{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"two"},{"name":"one"}],"containers":[{"name":"one","image":"i:9"}]}}}}""", Spec + ".containers[0].name", "two" },
        { """{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"three"},{"name":"one"},{"name":"two"}],"containers":[{"name":"three","image":"i"}]}}}}""", Spec + ".containers[0].name", "three" },
        { """{"spec":{"template":{"spec":{"nodeSelector":{"$patch":"replace","m":"2"}}}}}""", Spec + ".nodeSelector", """{"m":"2"}""" },
        { """{"spec":{"template":{"spec":{"nodeSelector":{"m":"2"}}}}}""", Spec + ".nodeSelector", """{"m":"2","n":"1"}""" },
        { """{"spec":{"template":{"spec":{"nodeSelector":null}}}}""", Spec + ".nodeSelector", "" },
        { """{"spec":{"template":{"spec":{"nodeSelector":{"$patch":"delete"}}}}}""", Spec + ".nodeSelector", "" },
        { """{"spec":{"template":{"spec":{"tolerations":[{"key":"t2","operator":"Exists"}]}}}}""", Spec + ".tolerations", """[{"key":"t2","operator":"Exists"}]""" },
        { """{"spec":{"template":{"spec":{"imagePullSecrets":[{"name":"s2"}]}}}}""", Spec + ".imagePullSecrets", """[{"name":"s2"},{"name":"s1"}]""" },
        { """{"spec":{"template":{"spec":{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"},"emptyDir":null}]}}}}""", Spec + ".volumes[0].emptyDir", "" },
        { """{"spec":{"template":{"spec":{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"}}]}}}}""", Spec + ".volumes[0].configMap.name", "c" },
        { """{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.com/a"]}}""", "metadata.finalizers", """["example.com/b"]""" },
        { """{"metadata":{"finalizers":["example.com/c"]}}""", "metadata.finalizers", """["example.com/c","example.com/a","example.com/b"]""" },
        { """{"metadata":{"$setElementOrder/finalizers":["example.com/b","example.com/a"],"$deleteFromPrimitiveList/finalizers":["example.com/a"]}}""", "metadata.finalizers", """["example.com/b"]""" },
        { """{"metadata":{"labels":{"x":null,"z":"3"}}}""", "metadata.labels", """{"y":"2","z":"3"}""" },
        { """{"metadata":{"labels":{"$patch":"replace","z":"3"}}}""", "metadata.labels", """{"z":"3"}""" },
        { """{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}""", "spec.strategy", """{"type":"Recreate"}""" },
        { """{"spec":{"replicas":4}}""", "spec.replicas", "4" },
    };

    [Theory]
    [MemberData(nameof(StrategicCases))]
    public async Task A_strategic_merge_patch_merges(string patch, string path, string expected)
    {
        (await Post(In("apps/v1/deployments"), Workload)).Expect(201);
        var answer = (await Patch(In("apps/v1/deployments/d"), patch, Strategic)).Expect(200);
        Same(expected, answer, path);
    }

    public static TheoryData<string, string, string> MergeCases => new()
    {
        { """{"data":{"a":null,"c":"3"}}""", "data", """{"b":"2","c":"3"}""" },
        { """{"data":{"a":"9"}}""", "data", """{"a":"9","b":"2"}""" },
        { """{"data":null}""", "data", "" },
        { """{"data":{}}""", "data", """{"a":"1","b":"2"}""" },
        { """{"metadata":{"labels":{"l":"1"}}}""", "metadata.labels", """{"l":"1"}""" },
        { """{"metadata":{"finalizers":["example.com/x"]}}""", "metadata.finalizers", """["example.com/x"]""" },
        { """{"immutable":true}""", "immutable", "true" },
        { "{}", "data.a", "1" },
    };

    [Theory]
    [MemberData(nameof(MergeCases))]
    public async Task A_merge_patch_follows_RFC_7386(string patch, string path, string expected)
    {
        await ConfigMap("m", """{"a":"1","b":"2"}""");
        Same(expected, (await Patch(In("configmaps/m"), patch)).Expect(200), path);
        await Patch(In("configmaps/m"), """{"metadata":{"finalizers":null}}""");
    }

    public static TheoryData<string, int, string, string> JsonCases => new()
    {
        { """[{"op":"add","path":"/data/c","value":"3"}]""", 200, "data.c", "3" },
        { """[{"op":"add","path":"/data/a~1b","value":"3"}]""", 422, "", "" },
        { """[{"op":"replace","path":"/data/a","value":"9"}]""", 200, "data.a", "9" },
        { """[{"op":"remove","path":"/data/a"}]""", 200, "data", """{"b":"2"}""" },
        { """[{"op":"move","from":"/data/a","path":"/data/z"}]""", 200, "data", """{"b":"2","z":"1"}""" },
        { """[{"op":"copy","from":"/data/a","path":"/data/z"}]""", 200, "data.z", "1" },
        { """[{"op":"test","path":"/data/a","value":"1"},{"op":"replace","path":"/data/a","value":"9"}]""", 200, "data.a", "9" },
        { """[{"op":"test","path":"/data/a","value":"2"},{"op":"replace","path":"/data/a","value":"9"}]""", 422, "", "" },
        { """[{"op":"test","path":"/data/none","value":"1"}]""", 422, "", "" },
        { """[{"op":"remove","path":"/data/none"}]""", 422, "", "" },
        { """[{"op":"add","path":"/none/x","value":"1"}]""", 422, "", "" },
        { """[{"op":"add","path":"/metadata/labels","value":{"a":"b"}},{"op":"add","path":"/metadata/labels/c","value":"d"}]""", 200, "metadata.labels", """{"a":"b","c":"d"}""" },
        { """[{"op":"add","path":"/metadata/finalizers","value":["example.com/a"]},{"op":"add","path":"/metadata/finalizers/-","value":"example.com/b"},{"op":"add","path":"/metadata/finalizers/0","value":"example.com/c"}]""", 200, "metadata.finalizers", """["example.com/c","example.com/a","example.com/b"]""" },
        { """{"op":"add"}""", 400, "", "" },
        { """[]""", 200, "data.a", "1" },
        { """[{"op":"add","path":"/data/c","value":3}]""", 422, "", "" },
    };

    [Theory]
    [MemberData(nameof(JsonCases))]
    public async Task A_JSON_patch_follows_RFC_6902(string patch, int code, string path, string expected)
    {
        await ConfigMap("j", """{"a":"1","b":"2"}""");
        var answer = (await Patch(In("configmaps/j"), patch, JsonPatch)).Expect(code);
        if (code == 200)
            Same(expected, answer, path);
        else
            Assert.Equal("""{"a":"1","b":"2"}""", (await Get(In("configmaps/j")))["data"]);
        await Patch(In("configmaps/j"), """{"metadata":{"finalizers":null}}""");
    }

    [Theory]
    [InlineData(Merge)]
    [InlineData(Strategic)]
    public async Task A_version_in_a_patch_is_a_lock(string type)
    {
        var first = await ConfigMap("a");
        (await Patch(In("configmaps/a"), $$$"""{"metadata":{"resourceVersion":"{{{first.Version}}}"},"data":{"k":"2"}}""", type)).Expect(200);
        var answer = await Patch(In("configmaps/a"), $$$"""{"metadata":{"resourceVersion":"{{{first.Version}}}"},"data":{"k":"3"}}""", type);
        Assert.Equal((409, "Conflict"), (answer.Code, answer["reason"]));
    }

    [Theory]
    [InlineData(Merge, "[]")]
    [InlineData(Merge, "\"x\"")]
    [InlineData(Strategic, "[]")]
    [InlineData(Merge, "{")]
    [InlineData(JsonPatch, "[")]
    [InlineData(Strategic, """{"metadata":{"labels":{"$patch":"nonsense"}}}""")]
    [InlineData(Strategic, """{"data":"text"}""")]
    [InlineData(Merge, """{"data":{"k":{}}}""")]
    [InlineData(Merge, """{"metadata":"x"}""")]
    public async Task A_patch_that_is_none_is_a_bad_request(string type, string patch)
    {
        await ConfigMap("a");
        var code = (await Patch(In("configmaps/a"), patch, type)).Code;
        Assert.True(code is 400 or 422 or 500 && Server.Minor < 25 || code is 400 or 422, $"{code}");
        Assert.Equal("1", (await Get(In("configmaps/a")))["data.k"]);
    }

    [Fact]
    public async Task The_name_cannot_be_patched_away()
    {
        await ConfigMap("a");
        Assert.Equal(400, (await Patch(In("configmaps/a"), """{"metadata":{"name":"b"}}""")).Code);
        Assert.Equal(415, (await Patch(In("configmaps/a"), "{}", "application/json")).Code);
    }

    [Fact]
    public async Task A_patch_that_changes_nothing_keeps_the_version()
    {
        var first = await ConfigMap("a");
        foreach (var type in new[] { Merge, Strategic })
            Assert.Equal(first.Version, (await Patch(In("configmaps/a"), """{"data":{"k":"1"}}""", type)).Version);
        Assert.Equal(first.Version, (await Put(In("configmaps/a"), first.Text)).Version);
    }

    [Fact]
    public async Task Concurrent_patches_all_take_effect()
    {
        await ConfigMap("a");
        var codes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i => (await Patch(In("configmaps/a"), $$$"""{"data":{"k{{{i}}}":"v"}}""")).Code));
        // A real server gives up after five lost races; whoever was answered 200 must be there.
        Assert.Equal(codes.Count(c => c == 200) + 1, ((JsonObject)(await Get(In("configmaps/a"))).Json.At("data")!).Count);
    }

    private static void Same(string expected, Answer answer, string path)
    {
        var found = answer.Json.At(path);
        if (expected.Length == 0)
            Assert.Null(found);
        else if (expected[0] is '{' or '[')
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), found), $"expected {expected}, got {found?.ToJsonString()}");
        else
            Assert.Equal(expected, answer[path]);
    }
}
