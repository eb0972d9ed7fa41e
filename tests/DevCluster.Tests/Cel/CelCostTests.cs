using System.Text.Json.Nodes;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Machinery.Cel;
using Xunit;

namespace Troupe.DevCluster.Tests.Cel;

/// <summary>What Kubernetes 1.3x estimates for the same rule on the same schema.</summary>
public sealed class CelCostTests
{
    private const string Strings = """{"type":"array","items":{"type":"string"}}""";
    private const string Numbers = """{"type":"array","items":{"type":"number"}}""";
    private const string TenNumbers = """{"type":"array","maxItems":10,"items":{"type":"number"}}""";
    private const string Text = """{"type":"string"}""";

    [Theory]
    [InlineData(Numbers, "self.all(x, true)", 4718591)]
    [InlineData(TenNumbers, "self.all(x, true)", 32)]
    [InlineData(Strings, "self.all(x, true)", 3145727)]
    [InlineData("""{"type":"array","items":{"type":"boolean"}}""", "self.all(x, true)", 1887437)]
    [InlineData("""{"type":"array","items":{"type":"array","items":{"type":"number"}}}""", "self.all(x, true)", 3145727)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"number"}}""", "self.all(x, true)", 1348169)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string"}}""", "self.all(x, true)", 1179647)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string","format":"date-time"}}""", "self.all(x, true)", 349526)]
    [InlineData("""{"type":"array","items":{"x-kubernetes-int-or-string":true}}""", "self.all(x, true)", 4718591)]
    [InlineData(TenNumbers, "self.all(x, self.all(y, true))", 352)]
    [InlineData(TenNumbers, "self.all(x, self.all(y, self.all(z, true)))", 3552)]
    [InlineData(Numbers, "self.all(x, x == 0.0)", 6291454)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string"}}""", "self.all(x, x.contains(self[x]))", 2752507)]
    [InlineData("""{"type":"array","items":{"type":"object","additionalProperties":{"type":"number"}}}""", "self.all(x, x.y == 25.2)", 6291452)]
    public void Loops_cost_their_body_times_the_largest_size(string schema, string rule, long cost) => Assert.Equal((ulong)cost, Cost(schema, rule));

    [Theory]
    [InlineData(Text, "self.contains('test')", 314574)]
    [InlineData("""{"type":"string","maxLength":10}""", "self.contains('test')", 5)]
    [InlineData(Text, "self.startsWith('test')", 2)]
    [InlineData(Text, "size(self + 'hello') > size('hello')", 314578)]
    [InlineData(Text, "self.matches('x')", 314574)]
    [InlineData(Text, "self.find('[0-9]+') == ''", 629147)]
    [InlineData(Text, "self.lowerAscii() == 'lower!'", 314575)]
    [InlineData(Text, "self == 'x'", 2)]
    [InlineData("""{"type":"string","maxLength":0}""", "self == 'x'", 1)]
    [InlineData("""{"type":"string","enum":["A","B","LongValue"]}""", "self.contains('A')", 2)]
    [InlineData(Strings, "self[1] == self[1]", 314577)]
    [InlineData(Strings, "self.join(' ') == 'aa bb'", 329853068905)]
    [InlineData(Strings, "self.isSorted() == true", 329854432052)]
    [InlineData("""{"type":"object","properties":{"str":{"type":"string"},"before":{"type":"string","maxLength":2},"after":{"type":"string","maxLength":4}}}""", "self.str.replace(self.before, self.after) == 'does not matter'", 629154)]
    [InlineData("""{"type":"object","properties":{"str":{"type":"string"},"separator":{"type":"string"}}}""", "self.str.split(self.separator) == []", 629160)]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "isQuantity(self)", 314574)]
    [InlineData("""{"x-kubernetes-int-or-string":true,"maxLength":20}""", "isQuantity(self)", 9)]
    public void Going_through_a_text_costs_a_tenth_of_its_length(string schema, string rule, long cost) => Assert.Equal((ulong)cost, Cost(schema, rule));

    [Theory]
    [InlineData("[1, 2, 3].all(x, true)", 20)]
    [InlineData("[1, 2, 3, 4, 5].filter(x, x % 2 == 0)", 101)]
    [InlineData("[1, 2, 3, 4, 5].map(x, x)", 86)]
    [InlineData("[1, 2, 3, 4, 5].map(x, x).filter(x, x % 2 == 0)", 177)]
    [InlineData("[1, 2, 3, 4, 5].map(x, x).exists(x, x == 5) == true", 118)]
    [InlineData("[1, 2, 3, 4, 5].map(x, x)[4]", 87)]
    [InlineData("[1, 2, 3].all(i, i in [1, 2, 3].map(j, j + j))", 230)]
    [InlineData("{'hello': 'hi'}['hello'] != {'hello': 'bye'}['hello']", 63)]
    [InlineData("((5 != 6) == (1 == 2)) == ((3 <= 4) == (9 != 9))", 7)]
    [InlineData("true ? 1 : 2", 0)]
    [InlineData("'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", 9)]
    [InlineData("quantity('50k').add(20).sub(quantity('100k')).asInteger() > 0", 6)]
    [InlineData("sets.equivalent([1, 2, 3], [3, 2, 1])", 39)]
    [InlineData("format.named('dns1123Label').value() == format.named('dns1123Label').value()", 11)]
    [InlineData("format.named('dns1123Label').value().validate('my-name')", 34)]
    public void Literals_have_the_size_that_is_seen(string expression, long cost) => Assert.Equal((ulong)cost, Cost(Text, expression));

    [Fact]
    public void The_name_is_limited_by_what_names_are() =>
        Assert.Equal(3UL + 102, Cost("""{"type":"object"}""", "self.metadata.name.contains('x')"));

    private static ulong Cost(string json, string rule)
    {
        // A property, so that the schema is no root, but for the one that looks at metadata.
        var root = SchemaReader.Root(JsonNode.Parse($$"""{"type":"object","properties":{"p":{{json}} } }""")!.AsObject(), BuiltinSchemas.For("meta.v1.ObjectMeta"));
        var schema = rule.Contains("metadata", StringComparison.Ordinal) ? root : root.Properties["p"];
        return CelCost.Of(rule, [("self", CelSchemas.TypeOf(schema)!)], schema);
    }
}
