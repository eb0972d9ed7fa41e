using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>What Kubernetes demands of a CRD's schema, and CEL rules of objects.</summary>
public sealed class SchemaRules(ApiServer server) : Topic(server)
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Root = "spec.validation.openAPIV3Schema.properties[spec]";

    private string Group => Namespace + ".example.com";

    private string Gears => In($"{Group}/v1/gears");

    protected override async ValueTask CleanUpAsync() => await Delete($"{Definitions}/gears.{Group}");

    [Theory]
    [InlineData(""" "properties":{"a":{}} """, Root + ".properties[a].type", "Required value: must not be empty for specified object fields")]
    [InlineData(""" "properties":{"a":{"type":"array","items":{}}} """, Root + ".properties[a].items.type", "Required value: must not be empty for specified array items")]
    [InlineData(""" "properties":{"a":{"type":"string","pattern":"("}} """, Root + ".properties[a].pattern", "must be a valid regular expression, but isn't")]
    [InlineData(""" "properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"} """, Root + ".additionalProperties", "Forbidden: additionalProperties and properties are mutual exclusive")]
    [InlineData(""" "properties":{"a":{"type":"array","uniqueItems":true,"items":{"type":"string"}}} """, Root + ".properties[a].uniqueItems", "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic")]
    [InlineData(""" "properties":{"a":{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}}} """, Root + ".properties[a].x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")]
    [InlineData(""" "anyOf":[{"type":"object"}] """, Root + ".anyOf[0].type", "Forbidden: must be empty to be structural")]
    public async Task A_schema_that_is_not_structural_is_refused(string spec, string field, string message)
    {
        var answer = await Post(Definitions, Definition(spec));
        Assert.Equal(422, answer.Code);
        Assert.Contains(field, answer.CauseFields);
        Assert.Contains(message, answer["message"]);
    }

    [Fact]
    public async Task Rules_that_can_not_be_compiled_are_refused()
    {
        Needs(25, "CEL rules");
        var answer = await Post(Definitions, Definition(""" "properties":{"n":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.m > 1"}] """));
        Assert.Contains(Root + ".x-kubernetes-validations[0].rule", answer.CauseFields);
        Assert.Contains("undefined field 'm'", answer["message"]);
    }

    [Fact]
    public async Task Rules_refuse_objects_and_changes()
    {
        Needs(25, "CEL rules");
        await InstallAsync("""
             "properties":{"min":{"type":"integer"},"max":{"type":"integer"},"fixed":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"immutable"}]}},
             "x-kubernetes-validations":[{"rule":"!has(self.min) || !has(self.max) || self.min <= self.max"}]
            """);
        var refused = await GearAsync("""{"min":5,"max":3}""");
        Assert.Equal((422, "spec"), (refused.Code, refused.CauseFields.Single()));
        Assert.Contains("failed rule: !has(self.min) || !has(self.max) || self.min <= self.max", refused["message"]);
        (await GearAsync("""{"fixed":"a"}""")).Expect(201);
        Assert.Contains("spec.fixed: Invalid value: \"string\": immutable", (await Patch(Gears + "/g", """{"spec":{"fixed":"b"}}"""))["message"]);
    }

    private async Task InstallAsync(string spec)
    {
        (await Post(Definitions, Definition(spec))).Expect(201);
        await Eventually.HoldsAsync(async () => (await Get(Gears)).Code == 200, "the resource is served");
    }

    private Task<Answer> GearAsync(string spec) => Post(Gears, $$"""{"apiVersion":"{{Group}}/v1","kind":"Gear","metadata":{"name":"g"},"spec":{{spec}}}""");

    private string Definition(string spec) =>
        """{"metadata":{"name":"gears.GROUP"},"spec":{"group":"GROUP","scope":"Namespaced","names":{"plural":"gears","singular":"gear","kind":"Gear"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object",SPEC}}}}}]}}"""
            .Replace("GROUP", Group, StringComparison.Ordinal).Replace("SPEC", spec, StringComparison.Ordinal);
}
