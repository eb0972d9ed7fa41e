using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>The four patch forms as functions of JSON.</summary>
public sealed class PatchTests
{
    [Theory]
    [InlineData("""{"a":1,"b":{"c":2}}""", """{"a":null,"b":{"d":3}}""", """{"b":{"c":2,"d":3}}""")]
    [InlineData("""{"a":[1,2]}""", """{"a":[3]}""", """{"a":[3]}""")]
    [InlineData("""{}""", """{"a":{"b":null,"c":1}}""", """{"a":{"c":1}}""")]
    public void A_merge_patch_follows_RFC_7386(string target, string patch, string expected) =>
        Same(expected, MergePatch.Apply(Parse(target), Parse(patch)));

    [Theory]
    [InlineData("""[{"op":"add","path":"/l/-","value":3}]""", """{"l":[1,2,3],"m":{}}""")]
    [InlineData("""[{"op":"add","path":"/l/0","value":0}]""", """{"l":[0,1,2],"m":{}}""")]
    [InlineData("""[{"op":"remove","path":"/l/0"},{"op":"test","path":"/l/0","value":2}]""", """{"l":[2],"m":{}}""")]
    [InlineData("""[{"op":"move","from":"/l","path":"/m/a~1b"}]""", """{"m":{"a/b":[1,2]}}""")]
    [InlineData("""[{"op":"copy","from":"/l/1","path":"/m/x"}]""", """{"l":[1,2],"m":{"x":2}}""")]
    public void A_JSON_patch_follows_RFC_6902(string patch, string expected) =>
        Same(expected, JsonPatch.Apply(Parse("""{"l":[1,2],"m":{}}""")!, Parse(patch)!));

    [Theory]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""")]
    [InlineData("""[{"op":"remove","path":"/b"}]""")]
    [InlineData("""[{"op":"replace","path":"/b","value":1}]""")]
    [InlineData("""[{"op":"add","path":"/b/c","value":1}]""")]
    [InlineData("""[{"op":"add","path":"/a"}]""")]
    [InlineData("""[{"op":"nothing","path":"/a"}]""")]
    [InlineData("""[{"op":"add","path":"no-slash","value":1}]""")]
    public void A_JSON_patch_that_cannot_be_applied_is_a_422(string patch) =>
        Assert.Equal(422, Assert.Throws<ApiException>(() => JsonPatch.Apply(Parse("""{"a":1}""")!, Parse(patch)!)).Code);

    [Fact]
    public void A_strategic_merge_joins_containers_by_name_and_keeps_what_it_does_not_mention() => Strategic(
        """{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"1"}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"}]}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}]},{"name":"b","image":"1"}]}}""");

    [Fact]
    public void A_strategic_merge_deletes_and_replaces_where_its_directives_say_so()
    {
        Strategic(
            """{"spec":{"containers":[{"name":"a"},{"name":"b"}],"volumes":[{"name":"v","emptyDir":{}}]}}""",
            """{"spec":{"containers":[{"name":"a","$patch":"delete"}],"volumes":[{"$patch":"replace"},{"name":"w","emptyDir":{}}]}}""",
            """{"spec":{"containers":[{"name":"b"}],"volumes":[{"name":"w","emptyDir":{}}]}}""");
        Strategic(
            """{"metadata":{"finalizers":["a","b"]},"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}""",
            """{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]},"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}""",
            """{"metadata":{"finalizers":["b"]},"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}}""");
    }

    [Fact]
    public void A_strategic_merge_orders_lists_as_it_is_told_and_replaces_atomic_ones()
    {
        Strategic(
            """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""",
            """{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c"}]}}""",
            """{"spec":{"containers":[{"name":"c"},{"name":"b"},{"name":"a"}]}}""");
        Strategic(
            """{"spec":{"tolerations":[{"key":"a"}]}}""",
            """{"spec":{"tolerations":[{"key":"b"}]}}""",
            """{"spec":{"tolerations":[{"key":"b"}]}}""");
    }

    private static void Strategic(string target, string patch, string expected) =>
        Same(expected, StrategicMergePatch.Apply((JsonObject)Parse(target)!, (JsonObject)Parse(patch)!, BuiltinSchemas.For("core.v1.Pod")));

    private static JsonNode? Parse(string text) => JsonReader.Parse(System.Text.Encoding.UTF8.GetBytes(text));

    private static void Same(string expected, JsonNode? actual) => Assert.Equal(Parse(expected)!.ToJsonString(), actual!.ToJsonString());
}
