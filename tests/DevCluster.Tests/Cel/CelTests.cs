using System.Text.Json.Nodes;
using CsCheck;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Machinery.Cel;
using Xunit;

namespace Troupe.DevCluster.Tests.Cel;

public sealed class CelTests
{
    [Theory]
    [InlineData("1 + 2 * 3 == 7")]
    [InlineData("(1 + 2) * 3 == 9 && -7 / 2 == -3 && -7 % 2 == -1")]
    [InlineData("2u + 3u == 5u && 0x1F == 31 && 1.5e3 == 1500.0")]
    [InlineData("1 < 2.5 && 3u > 2 && 'a' < 'b'")]
    [InlineData("true ? 'x' == \"x\" : 1 / 0 == 1")]
    [InlineData("false && (1 / 0 == 1) == false || true")]
    [InlineData("1 / 0 == 1 || true")]
    [InlineData("!(false && 1 / 0 == 1)")]
    [InlineData("[1, 2, 3].all(x, x > 0) && [1, 2, 3].exists(x, x == 2) && [1, 2, 2].exists_one(x, x == 1)")]
    [InlineData("[1, 2, 3].map(x, x * 2) == [2, 4, 6] && [1, 2, 3].filter(x, x > 1) == [2, 3] && [1, 2, 3].map(x, x > 1, x + 1) == [3, 4]")]
    [InlineData("{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && 'a' in {'a': 1} && {'a': 1}['a'] == 1 && {'a': 1}.a == 1")]
    [InlineData("size('héllo') == 5 && 'héllo'.size() == 5 && [1].size() == 1 && size({'a': 1}) == 1")]
    [InlineData("'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b') && 'abc'.matches('^a.c$')")]
    [InlineData("'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b' && ' x '.trim() == 'x' && 'AbC'.lowerAscii() == 'abc'")]
    [InlineData("'hello'.substring(1, 3) == 'el' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3 && 'hello'.charAt(4) == 'o' && 'aaa'.replace('a', 'b', 2) == 'bba'")]
    [InlineData("'abc 123 456'.find('[0-9]+') == '123' && 'abc 123 456'.findAll('[0-9]+') == ['123', '456']")]
    [InlineData("'%s is %d'.format(['x', 3]) == 'x is 3' && '%.2f'.format([1.5]) == '1.50'")]
    [InlineData("duration('1h30m') > duration('89m') && duration('90s').getSeconds() == 90 && string(duration('1.5s')) == '1.5s'")]
    [InlineData("timestamp('2024-02-29T12:00:00Z').getDayOfMonth() == 28 && timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')")]
    [InlineData("timestamp('2024-01-01T00:00:00Z').getHours('+02:00') == 2")]
    [InlineData("int('42') == 42 && string(42) == '42' && double(1) == 1.0 && uint(3) == 3u && bool('true') && int(2.9) == 2")]
    [InlineData("type(1) == int && type('x') == string && type([1]) == list && type(null) == null_type")]
    [InlineData("quantity('1Gi').isGreaterThan(quantity('1000Mi')) && quantity('500m').add(quantity('500m')).asInteger() == 1 && isQuantity('2k') && !isQuantity('x')")]
    [InlineData("url('https://a.b:8080/p?x=1&x=2').getHost() == 'a.b:8080' && url('https://a.b:8080/p').getPort() == '8080' && url('https://a/p?x=1&x=2').getQuery()['x'] == ['1', '2'] && !isURL('no url')")]
    [InlineData("[1, 3, 2].max() == 3 && [1, 3, 2].min() == 1 && [1, 3, 2].sum() == 6 && [1, 2].isSorted() && [1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2")]
    [InlineData("sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])")]
    [InlineData("cidr('10.0.0.0/8').containsIP('10.1.2.3') && !isIP('10.0.0.256') && ip('::1').family() == 6")]
    [InlineData("optional.of(1).hasValue() && optional.none().orValue(3) == 3 && optional.of(2).optMap(x, x + 1).value() == 3 && {'a': 1}.?b.orValue(5) == 5 && [1][?3].orValue(9) == 9")]
    [InlineData("r'\\d' == '\\\\d' && '\\u00e9' == 'é' && b'ab' == bytes('ab') && '''a\nb''' == 'a\\nb'")]
    [InlineData("dyn(1) == 1 && dyn('x') != 1")]
    [InlineData("[1, 2, 3].all(i, v, i < v) && {'a': 'x'}.exists(k, v, k == 'a' && v == 'x') && [1, 1, 2].existsOne(i, v, i == 1 && v == 1)")]
    [InlineData("[1, 2, 3].transformList(i, v, i * v) == [0, 2, 6] && [1, 2, 3].transformList(i, v, i > 0, v) == [2, 3] && {'a': 1}.transformList(k, v, k) == ['a']")]
    [InlineData("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v + 1) == {'b': 3} && ['x'].transformMap(i, v, v) == {0: 'x'} && {'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}")]
    [InlineData("!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').value()[0].startsWith('a lowercase RFC 1123 label')")]
    [InlineData("!format.dns1123LabelPrefix().validate('a-').hasValue() && format.dns1035Label().validate('1a').hasValue() && !format.qualifiedName().validate('x.y/z').hasValue()")]
    [InlineData("format.named('uuid').value() == format.uuid() && !format.named('nope').hasValue() && format.uuid().validate('x').value() == ['does not match the UUID format']")]
    [InlineData("!format.uri().validate('https://a/b').hasValue() && format.date().validate('2024-02-30').hasValue() && !format.datetime().validate('2024-02-29T00:00:00Z').hasValue() && format.byte().validate('?').value() == ['invalid base64']")]
    [InlineData("type(format.date()) == type(format.byte()) && '%s'.format(['x']) == 'x'")]
    [InlineData("semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && semver('1.10.0').isGreaterThan(semver('1.9.9')) && semver('1.0.0-a.2').compareTo(semver('1.0.0-a.10')) == -1")]
    [InlineData("semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3 && semver('1.0.0+b1') == semver('1.0.0+b2') && type(semver('1.0.0')) != string")]
    [InlineData("isSemver('1.0.0-0a') && !isSemver('1.0.0-01') && !isSemver('v1.0.0') && !isSemver('1.0') && !isSemver('01.0.0') && isSemver('v01.0', true) && !isSemver('1.0-rc', true) && semver('v01.00', true) == semver('1.0.0')")]
    [InlineData("ip.isCanonical('::1') && !ip.isCanonical('::0001') && ip('169.254.1.1').isLinkLocalUnicast() && ip('ff02::1').isLinkLocalMulticast() && ip('224.0.0.5').isLinkLocalMulticast()")]
    [InlineData("ip('8.8.8.8').isGlobalUnicast() && !ip('224.0.0.5').isGlobalUnicast() && !ip('127.0.0.1').isGlobalUnicast() && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/8').containsCIDR('11.0.0.0/16')")]
    [InlineData("jsonpatch.escapeKey('k8s.io/my~label') == 'k8s.io~1my~0label'")]
    [InlineData("-9223372036854775808 < 0 // the smallest int")]
    public void Holds(string expression) => Assert.Equal(true, Run(expression));

    [Theory]
    [InlineData("1 +", "Syntax error: mismatched input '<EOF>'")]
    [InlineData("foo == 1", "undeclared reference to 'foo' (in container '')")]
    [InlineData("'a' + 1 == 'a1'", "found no matching overload for '_+_' applied to '(string, int)'")]
    [InlineData("'a'.nope()", "undeclared reference to 'nope' (in container '')")]
    [InlineData("'a'.startsWith(1)", "found no matching overload for 'startsWith' applied to 'string.(int)'")]
    [InlineData("(1).all(x, true)", "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)")]
    [InlineData("(5).x", "type 'int' does not support field selection")]
    [InlineData("[1, 'a'].size() == 2", "expected type 'int' but found 'string'")]
    [InlineData("has(self)", "invalid argument to has() macro")]
    [InlineData("'abc", "unterminated string")]
    [InlineData("[1].all(i, i, true)", "duplicate variable name: i")]
    [InlineData("{'a': 1}.all(k, v, v == 'a')", "found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("[1].transformMapEntry(i, v, v)", "must be a map literal with one entry")]
    [InlineData("format.dns1123Label('a')", "found no matching overload for 'format.dns1123Label' applied to '(string)'")]
    [InlineData("authorizer.path('/').check('get').allowed()", "undeclared reference to 'authorizer'")]
    public void Does_not_compile(string expression, string why) =>
        Assert.Contains(why, Assert.Throws<CelSyntaxException>(() => Run(expression)).Message);

    [Theory]
    [InlineData("1 / 0 == 1", "division by zero")]
    [InlineData("9223372036854775807 + 1 == 0", "integer overflow")]
    [InlineData("[1][1] == 1", "index out of bounds: 1")]
    [InlineData("{'a': 1}['b'] == 1", "no such key: b")]
    [InlineData("dyn('a') + dyn(1) == dyn(2)", "no such overload")]
    [InlineData("int('x') == 1", "type conversion error")]
    [InlineData("'a'.matches('(')", "error parsing regexp")]
    [InlineData("['x', 'x'].transformMapEntry(i, v, {v: i}) == {}", "insert failed: key x already exists")]
    public void Fails(string expression, string why) => Assert.Contains(why, Assert.Throws<CelException>(() => Run(expression)).Message);

    [Fact]
    public void A_mistake_is_shown_where_it_is() => Assert.Equal(
        "ERROR: <input>:2:4: undeclared reference to 'foo' (in container '')\n | && foo\n | ...^",
        Assert.Throws<CelSyntaxException>(() => Run("true\n&& foo")).Message);

    [Fact]
    public void Work_without_end_is_cut_off()
    {
        var list = "[" + string.Join(',', Enumerable.Range(0, 200)) + "]";
        var error = Assert.Throws<CelException>(() => Run($"{list}.all(a, {list}.all(b, {list}.all(c, a + b + c >= 0)))"));
        Assert.Equal("operation cancelled: actual cost limit exceeded", error.Message);
    }

    [Fact]
    public void Deep_nesting_is_refused_and_not_a_stack_overflow()
    {
        Assert.Throws<CelSyntaxException>(() => Run(new string('(', 100_000) + "1" + new string(')', 100_000)));
        Assert.Throws<CelSyntaxException>(() => Run(new string('!', 100_000) + "true"));
    }

    [Fact]
    public void Fields_are_typed_by_the_schema_and_escaped()
    {
        var schema = SchemaReader.Root(JsonNode.Parse("""
            {"type":"object","properties":{"spec":{"type":"object","properties":{
              "n":{"type":"integer"},"a-b":{"type":"string"},"in":{"type":"boolean"},"when":{"type":"string","format":"date-time"},
              "list":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},"map":{"type":"object","additionalProperties":{"type":"integer"}},
              "any":{"x-kubernetes-int-or-string":true},"raw":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}
            """)!.AsObject(), BuiltinSchemas.For("meta.v1.ObjectMeta"));
        var self = JsonNode.Parse("""{"metadata":{"name":"x"},"spec":{"n":3,"a-b":"y","in":true,"when":"2024-01-01T00:00:00Z","list":["b","a"],"map":{"k":1},"any":"5","raw":{"z":1}}}""");
        object? On(string expression)
        {
            var budget = CelProgram.CostLimit;
            return CelProgram.Compile(expression, [("self", CelSchemas.TypeOf(schema)!)]).Run([("self", CelValues.From(self, schema))], ref budget);
        }
        Assert.Equal(true, On("self.spec.n == 3 && self.spec.a__dash__b == 'y' && self.spec.__in__ && self.spec.when.getFullYear() == 2024 && self.metadata.name == 'x'"));
        Assert.Equal(true, On("self.spec.list == ['a', 'b'] == false || self.spec.list == self.spec.list && 'k' in self.spec.map && self.spec.map.k == 1 && has(self.spec.n)"));
        Assert.Equal(true, On("type(self.spec.any) == string ? self.spec.any == '5' : self.spec.any == 5"));
        Assert.Throws<CelSyntaxException>(() => On("self.spec.raw.z == 1"));
        Assert.Throws<CelSyntaxException>(() => On("self.spec.typo == 1"));
        Assert.Throws<CelSyntaxException>(() => On("self.metadata.labels.size() == 0"));
        Assert.Throws<CelSyntaxException>(() => On("self.spec.n == 'three'"));
    }

    [Fact]
    public void Integer_arithmetic_agrees_with_checked_longs() => Gen.Select(Gen.Long, Gen.Long).Sample((x, y) =>
    {
        foreach (var (op, run) in new (string, Func<long>)[] { ("+", () => checked(x + y)), ("-", () => checked(x - y)), ("*", () => checked(x * y)) })
        {
            object? expected;
            try
            {
                expected = run();
            }
            catch (OverflowException)
            {
                expected = null;
            }
            var source = $"({x}) {op} ({y})";
            if (expected is null)
                Assert.Throws<CelException>(() => Run(source));
            else
                Assert.Equal(expected, Run(source));
        }
    });

    [Fact]
    public void String_functions_agree_with_code_points() => Gen.Select(Gen.String[Gen.Char["abé "], 0, 12], Gen.Int[0, 12], Gen.Int[0, 12]).Sample((text, from, to) =>
    {
        Assert.Equal((long)text.Length, Run($"size('{text}')"));
        if (from <= to && to <= text.Length)
            Assert.Equal(text[from..to], Run($"'{text}'.substring({from}, {to})"));
        else
            Assert.Throws<CelException>(() => Run($"'{text}'.substring({from}, {to})"));
        Assert.Equal(text.Replace("a", "xy", StringComparison.Ordinal), Run($"'{text}'.replace('a', 'xy')"));
    });

    private static readonly string[] Words =
    [
        "1", "'a'", "self", "(", ")", "[", "]", "{", "}", ".", "x", "all", "map", "has", "+", "-", "!", "&&", "||", "?", ":", ",", "==", "<", "in", "size", "null", "true", "1u", "1.5", "\"", "b'", "optional", "?.", "matches",
    ];

    /// <summary>Whatever is typed: an answer, a refusal to compile or a failure, never anything else.</summary>
    [Fact]
    public void Any_text_compiles_or_is_refused() => Gen.Int[0, Words.Length - 1].Select(i => Words[i])
        .List[1, 14].Sample(parts =>
        {
            try
            {
                Run(string.Concat(parts));
                Run(string.Join(' ', parts));
            }
            catch (Exception e) when (e is CelSyntaxException or CelException)
            {
                // Refused.
            }
        }, iter: 20_000);

    /// <summary>The numbers are what Kubernetes counts.</summary>
    [Theory]
    [InlineData("[1, 2, 3, 4, 5].sum()", 15)]
    [InlineData("['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].isSorted()", 15)]
    [InlineData("'01234567890123456789012345678901234567890123456789'.indexOf('123')", 5)]
    [InlineData("ip('192.168.0.1').family()", 3)]
    [InlineData("ip('2001:db8:3333:4444:5555:6666:7777:8888') == ip('192.168.0.1')", 7)]
    [InlineData("ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')", 8)]
    [InlineData("cidr('192.168.0.0/16').containsIP('192.169.0.1')", 5)]
    [InlineData("cidr('192.168.0.0/16').containsCIDR('192.0.0.0/30')", 7)]
    [InlineData("'abc 123 def 123'.replace('123', '456')", 3)]
    [InlineData("'abc 123 def 123'.split(' ')", 3)]
    [InlineData("'abc 123 def 123'.substring(5, 8)", 2)]
    [InlineData("['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join(' ')", 15)]
    [InlineData("'abc 123 def 123'.findAll('123')", 2)]
    [InlineData("jsonpatch.escapeKey('abc/def~ abc/def~')", 2)]
    [InlineData("quantity('2M') == quantity('0.002G') && quantity('2000k') == quantity('2M') && quantity('0.002G') == quantity('2000k')", 9)]
    [InlineData("quantity('50k').add(20).sub(quantity('100k')).sub(-50000).asInteger() > 0", 7)]
    [InlineData("format.named('dns1123Subdomain').value().validate('my-name')", 17)]
    [InlineData("format.named('dns1123Label').value().validate('my-name')", 10)]
    [InlineData("format.named('dns1123Label').value() == format.named('dns1123Label').value()", 5)]
    [InlineData("sets.contains([[1], [2, 3]], [[2, 3]])", 53)]
    [InlineData("sets.equivalent([1, 2, 3], [3, 2, 1])", 39)]
    [InlineData("[1, 2, 3].all(x, true)", 20)]
    [InlineData("[1, 2, 3, 4, 5].map(x, x)", 86)]
    public void Running_costs(string expression, long cost) => Assert.Equal(cost, Spent(expression));

    /// <summary>Of the same rule on the same literals the estimate is the most that can be spent.</summary>
    [Theory]
    [InlineData("[1, 2, 3].exists(x, x == 2)")]
    [InlineData("[1, 2, 3].exists_one(x, x > 1)")]
    [InlineData("[1, 2, 3, 4, 5].filter(x, x % 2 == 0)")]
    [InlineData("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v + 1)")]
    [InlineData("optional.of('x').optMap(x, x + 'y').orValue('')")]
    [InlineData("'abc'.matches('^a.c$') && 'abc'.contains('b') || 'abc' < 'abd'")]
    [InlineData("has({'a': 1}.a) ? {'a': 'x'}.a : {'b': 'y'}.?a.orValue('z')")]
    [InlineData("[1, 2, 3].all(i, i in [1, 2, 3].map(j, j + j))")]
    public void Running_costs_no_more_than_was_estimated(string expression) =>
        Assert.InRange((ulong)Spent(expression), 1UL, CelCost.Of(expression, [], new Schema { Type = SchemaType.String }));

    private static long Spent(string expression)
    {
        var budget = CelProgram.CostLimit;
        CelProgram.Compile(expression, []).Run([], ref budget);
        return CelProgram.CostLimit - budget;
    }

    private static object? Run(string expression)
    {
        var budget = CelProgram.CostLimit;
        return CelProgram.Compile(expression, []).Run([], ref budget);
    }
}
