using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Crds;

/// <summary>What a schema demands of objects, and Kubernetes of a schema.</summary>
public sealed class CrdRuleTests : IAsyncLifetime
{
    private const string Crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Widgets = "/apis/example.com/v1/namespaces/default/widgets";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData("""{"properties":{"a":{}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].type", "Required value: must not be empty for specified object fields")]
    [InlineData("""{"properties":{"a":{"type":"array","items":{}}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].items.type", "Required value: must not be empty for specified array items")]
    [InlineData("""{"properties":{"a":{"type":"sting"}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].type", "Unsupported value: \"sting\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"")]
    [InlineData("""{"properties":{"a":{"type":"string","pattern":"("}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].pattern", "must be a valid regular expression")]
    [InlineData("""{"properties":{"a":{"type":"string","default":1}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].default", "default in body must be of type string: \"integer\"")]
    [InlineData("""{"properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}}""", "spec.validation.openAPIV3Schema.properties[spec].additionalProperties", "Forbidden: additionalProperties and properties are mutual exclusive")]
    [InlineData("""{"properties":{"a":{"type":"array","uniqueItems":true,"items":{"type":"string"}}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].uniqueItems", "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic")]
    [InlineData("""{"properties":{"a":{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[a].x-kubernetes-list-map-keys", "Required value: must not be empty if x-kubernetes-list-type is map")]
    [InlineData("""{"anyOf":[{"required":["b"],"properties":{"b":{"minimum":1}}}]}""", "spec.validation.openAPIV3Schema.properties[spec].properties[b]", "Required value: because it is defined in spec.validation.openAPIV3Schema.properties[spec].anyOf[0].properties[b]")]
    [InlineData("""{"anyOf":[{"type":"object"}]}""", "spec.validation.openAPIV3Schema.properties[spec].anyOf[0].type", "Forbidden: must be empty to be structural")]
    [InlineData("""{"properties":{"n":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.m > 1"}]}""", "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule", "compilation failed: ERROR: <input>:1:5: undefined field 'm'\n | self.m > 1\n | ....^")]
    [InlineData("""{"properties":{"n":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.n"}]}""", "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule", "compilation failed: must evaluate to a bool")]
    [InlineData("""{"properties":{"l":{"type":"array","items":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf"}]}}}}""", "spec.validation.openAPIV3Schema.properties[spec].properties[l].items.x-kubernetes-validations[0].rule", "oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[spec].properties[l].items")]
    public async Task A_schema_that_is_not_structural_or_has_rules_that_can_not_run_is_refused(string spec, string field, string why)
    {
        var (code, status) = await _cluster.SendAsync("POST", Crds, Crd(spec));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        var cause = status.Arr("details", "causes")![0];
        Assert.Equal(field, cause.Str("field"));
        Assert.Contains(why, cause.Str("message"));
    }

    /// <summary>A loop in a loop over n items costs 2 + n(5 + 3n).</summary>
    private static string Square(int items, int rules = 1) => $$"""
        {"properties":{"l":{"type":"array","maxItems":{{items}},"items":{"type":"integer"},
          "x-kubernetes-validations":[{{string.Join(',', Enumerable.Repeat("{\"rule\":\"self.all(x, self.all(y, true))\"}", rules))}}]} } }
        """;

    [Fact]
    public async Task A_rule_that_can_cost_too_much_is_refused_and_one_just_below_the_limit_is_not()
    {
        var (code, status) = await _cluster.SendAsync("POST", Crds, Crd(Square(1825)));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        var cause = Assert.Single(status.Arr("details", "causes")!);
        Assert.Equal("spec.validation.openAPIV3Schema.properties[spec].properties[l].x-kubernetes-validations[0].rule", cause.Str("field"));
        Assert.Equal("Forbidden: estimated rule cost exceeds budget by factor of 1.000100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)", cause.Str("message"));
        await InstallAsync(Square(1824));
    }

    [Fact]
    public async Task All_rules_together_are_limited_too_and_the_dearest_are_named()
    {
        var (_, status) = await _cluster.SendAsync("POST", Crds, Crd(Square(1824, rules: 11)));
        var causes = status.Arr("details", "causes")!;
        Assert.Equal(5, causes.Count);
        Assert.All(causes.Take(4), c => Assert.Equal("Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema", c.Str("message")));
        Assert.Equal("spec.validation.openAPIV3Schema", causes[4].Str("field"));
        Assert.StartsWith("Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 1.09890", causes[4].Str("message"), StringComparison.Ordinal);
        await InstallAsync(Square(1824, rules: 10));
    }

    [Theory]
    [InlineData("""{"type":"array","maxItems":10,"items":RULE}""", null)]
    [InlineData("""{"type":"array","items":RULE}""", "2.4x")]
    [InlineData("""{"type":"object","maxProperties":1000,"additionalProperties":{"type":"array","maxItems":4000,"items":RULE}}""", "9.2x")]
    [InlineData("""{"type":"array","items":{"type":"array","maxItems":10,"items":RULE}}""", "2.4x")]
    public async Task A_rule_costs_as_often_as_its_value_can_be_there(string outside, string? factor)
    {
        var spec = outside.Replace("RULE", """{"type":"object","properties":{"n":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.n > 1 && self.n < 9 && self.n != 5 && self.n != 6 && self.n != 7 && self.n != 8 && self.n != 2 && self.n != 3 && self.n != 4 && self.n > 0"}]}""", StringComparison.Ordinal);
        var (code, status) = await _cluster.SendAsync("POST", Crds, Crd($$"""{"properties":{"p":{{spec}} } }"""));
        if (factor is null)
            Assert.True(code == HttpStatusCode.Created, status.ToJsonString());
        else
            Assert.Contains($"Forbidden: estimated rule cost exceeds budget by factor of {factor} ", status.Arr("details", "causes")![0].Str("message"));
    }

    [Fact]
    public async Task Rules_refuse_objects_with_their_message_reason_and_field()
    {
        await InstallAsync("""
            {"properties":{"min":{"type":"integer"},"max":{"type":"integer"},"name":{"type":"string"},
              "ports":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.n < 100"}]}}},
             "x-kubernetes-validations":[
              {"rule":"!has(self.min) || !has(self.max) || self.min <= self.max","messageExpression":"'min %d is more than max %d'.format([self.min, self.max])","fieldPath":".min"},
              {"rule":"!has(self.name) || self.name != 'bad'","message":"a good name","reason":"FieldValueForbidden"}]}
            """);
        Assert.Equal(["spec.min: Invalid value: \"object\": min 5 is more than max 3"], await RefusedAsync("""{"min":5,"max":3}"""));
        Assert.Equal(["spec: Forbidden: a good name"], await RefusedAsync("""{"name":"bad"}"""));
        Assert.Equal(["spec.ports[1]: Invalid value: \"object\": failed rule: self.n < 100"], await RefusedAsync("""{"ports":[{"n":1},{"n":100}]}"""));
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("""{"min":1,"max":3,"name":"good"}""")).Code);
    }

    [Fact]
    public async Task A_failing_expression_is_told_and_wrong_types_keep_rules_from_running()
    {
        await InstallAsync("""{"properties":{"n":{"type":"integer"},"d":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.n / self.d > 1"}]}""");
        Assert.Equal(["spec: Invalid value: \"object\": division by zero evaluating rule: self.n / self.d > 1"], await RefusedAsync("""{"n":1,"d":0}"""));
        Assert.Equal(["spec: Invalid value: \"object\": no such key: d evaluating rule: self.n / self.d > 1"], await RefusedAsync("""{"n":1}"""));
        Assert.Equal(
            ["spec.n: Invalid value: \"string\": spec.n in body must be of type integer: \"string\"",
             "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"],
            await RefusedAsync("""{"n":"x"}"""));
    }

    [Fact]
    public async Task Transition_rules_compare_with_the_value_before()
    {
        await InstallAsync("""
            {"properties":{"fixed":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"immutable"}]},
              "grows":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf.orValue(5)","optionalOldSelf":true}]},
              "items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],
                "properties":{"k":{"type":"string"},"v":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf"}]}}}}}}
            """);
        Assert.Equal(["spec.grows: Invalid value: \"integer\": failed rule: self >= oldSelf.orValue(5)"], await RefusedAsync("""{"grows":4}"""));
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("""{"fixed":"a","grows":6,"items":[{"k":"x","v":1},{"k":"y","v":9}]}""")).Code);
        async Task<string?> Patch(string spec) => (await _cluster.SendAsync("PATCH", Widgets + "/w", Parse($$"""{"spec":{{spec}}}"""), "application/merge-patch+json")).Body.Str("message");
        Assert.Contains("spec.fixed: Invalid value: \"string\": immutable", await Patch("""{"fixed":"b"}"""));
        Assert.Contains("failed rule: self >= oldSelf.orValue(5)", await Patch("""{"grows":5}"""));
        Assert.Null(await Patch("""{"items":[{"k":"y","v":9},{"k":"x","v":2}]}"""));
        Assert.Contains("spec.items[0].v", await Patch("""{"items":[{"k":"y","v":8}]}"""));
    }

    [Fact]
    public async Task A_tightened_schema_does_not_refuse_what_an_update_leaves_as_it_is()
    {
        await InstallAsync("""{"properties":{"a":{"type":"string"},"b":{"type":"string"}}}""");
        await CreateAsync("""{"a":"long enough","b":"x"}""");
        var (_, crd) = await _cluster.SendAsync("GET", Crds + "/widgets.example.com");
        var schema = crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;
        schema["properties"]!["a"]!["maxLength"] = 3;
        schema["properties"]!["b"]!["x-kubernetes-validations"] = JsonNode.Parse("""[{"rule":"self != 'x'"}]""");
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("PUT", Crds + "/widgets.example.com", crd)).Code);
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("PATCH", Widgets + "/w", Parse("""{"metadata":{"labels":{"l":"1"}}}"""), "application/merge-patch+json")).Code);
        var (code, _) = await _cluster.SendAsync("PATCH", Widgets + "/w", Parse("""{"spec":{"a":"also long"}}"""), "application/merge-patch+json");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
    }

    [Fact]
    public async Task Defaults_that_came_later_are_seen_in_objects_that_were_there_before()
    {
        await InstallAsync("""{"properties":{"a":{"type":"string"}}}""");
        await CreateAsync("{}");
        var (_, crd) = await _cluster.SendAsync("GET", Crds + "/widgets.example.com");
        crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["a"]!["default"] = "later";
        await _cluster.SendAsync("PUT", Crds + "/widgets.example.com", crd);
        Assert.Equal("later", (await _cluster.SendAsync("GET", Widgets + "/w")).Body.Str("spec", "a"));
        Assert.Equal("later", (await _cluster.SendAsync("GET", Widgets)).Body.Arr("items")![0].Str("spec", "a"));
    }

    [Fact]
    public async Task An_embedded_resource_needs_a_type_and_formats_are_checked()
    {
        await InstallAsync("""
            {"properties":{"template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true},
              "ip":{"type":"string","format":"ipv4"},"for":{"type":"string","format":"duration"}}}
            """);
        Assert.Equal(["spec.template.kind: Required value: must not be empty"], await RefusedAsync("""{"template":{"apiVersion":"v1"}}"""));
        Assert.Equal(["spec.ip: Invalid value: \"1.2.3\": spec.ip in body must be of type ipv4: \"1.2.3\""], await RefusedAsync("""{"ip":"1.2.3"}"""));
        Assert.Equal(["spec.for: Invalid value: \"1x\": spec.for in body must be of type duration: \"1x\""], await RefusedAsync("""{"for":"1x"}"""));
        var (code, body) = await CreateAsync("""{"template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"anything":1},"ip":"1.2.3.4","for":"1m"}""");
        Assert.True(code == HttpStatusCode.Created, body.ToJsonString());
        Assert.Equal(1, body.Int("spec", "template", "anything"));
    }

    [Fact]
    public async Task Names_that_become_free_are_accepted_then()
    {
        await InstallAsync("{}");
        var rival = Parse(Crd("{}").ToJsonString().Replace("widgets", "rivals", StringComparison.Ordinal));
        var (_, waiting) = await _cluster.SendAsync("POST", Crds, rival);
        Assert.Contains(waiting.Arr("status", "conditions")!, c => c.Str("type") == "NamesAccepted" && c.Str("reason") == "ListKindConflict");
        await _cluster.SendAsync("DELETE", Crds + "/widgets.example.com");
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", "/apis/example.com/v1/rivals")).Code == HttpStatusCode.OK, "the rival is served");
    }

    private async Task InstallAsync(string spec)
    {
        var (code, status) = await _cluster.SendAsync("POST", Crds, Crd(spec));
        Assert.True(code == HttpStatusCode.Created, status.ToJsonString());
    }

    private Task<(HttpStatusCode Code, JsonObject Body)> CreateAsync(string spec) =>
        _cluster.SendAsync("POST", Widgets, new JsonObject { ["apiVersion"] = "example.com/v1", ["kind"] = "Widget", ["metadata"] = new JsonObject { ["name"] = "w" }, ["spec"] = JsonNode.Parse(spec) });

    private async Task<IEnumerable<string>> RefusedAsync(string spec)
    {
        var (code, status) = await CreateAsync(spec);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        return status.Arr("details", "causes")!.Select(c => $"{c.Str("field")}: {c.Str("message")}");
    }

    private static JsonObject Crd(string spec)
    {
        var schema = Parse(spec);
        schema["type"] = "object";
        var crd = Parse("""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},"spec":{
              "group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{}}}}]}}
            """);
        crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"] = schema;
        return crd;
    }
}
