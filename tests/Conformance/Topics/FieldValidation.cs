using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Unknown and repeated fields: Strict refuses, Warn (the default) tells, Ignore is silent.</summary>
public sealed class FieldValidation(ApiServer server) : Topic(server)
{
    private const string Unknown = """{"metadata":{"name":"a","nope":1},"data":{"k":"1"},"nonsense":true}""";
    private const string Twice = """{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}""";

    protected override ValueTask PrepareAsync()
    {
        Needs(27, "fieldValidation");
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(Unknown, "unknown field \"metadata.nope\", unknown field \"nonsense\"")]
    [InlineData(Twice, "duplicate field \"data.k\"")]
    public async Task Strict_refuses(string body, string problems)
    {
        var answer = await Post(In("configmaps?fieldValidation=Strict"), body);
        Assert.Equal((400, "BadRequest"), (answer.Code, answer["reason"]));
        Assert.Equal($"ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: {problems}", answer["message"]);
    }

    [Theory]
    [InlineData("", Unknown, "299 - \"unknown field \\\"metadata.nope\\\"\",299 - \"unknown field \\\"nonsense\\\"\"")]
    [InlineData("?fieldValidation=Warn", Twice, "299 - \"duplicate field \\\"data.k\\\"\"")]
    [InlineData("?fieldValidation=Ignore", Unknown, "")]
    [InlineData("?fieldValidation=Ignore", Twice, "")]
    public async Task Warn_tells_and_Ignore_is_silent(string query, string body, string warnings)
    {
        var answer = (await Post(In("configmaps" + query), body)).Expect(201);
        Assert.Equal(warnings, answer.Headers.TryGetValues("Warning", out var found) ? string.Join(',', found.Order()) : "");
        Assert.Null(answer["nonsense"]);
    }

    [Fact]
    public async Task It_holds_for_updates_and_patches_too()
    {
        await ConfigMap("a");
        Assert.Equal(400, (await Put(In("configmaps/a?fieldValidation=Strict"), Unknown)).Code);
        Assert.Equal(422, (await Patch(In("configmaps/a?fieldValidation=Strict"), """{"nonsense":1}""", Strategic)).Code);
        Assert.Equal(400, (await Patch(In("configmaps/a?fieldValidation=Strict&fieldManager=m"), """{"apiVersion":"v1","kind":"ConfigMap","nonsense":1}""", Apply)).Code);
        Assert.Equal(422, (await Post(In("configmaps?fieldValidation=Loose"), Unknown)).Code);
        Assert.Contains("nonsense", string.Join(',', (await Patch(In("configmaps/a"), """{"nonsense":1}""")).Expect(200).Headers.GetValues("Warning")));
    }

    [Fact]
    public async Task Kubectl_validates_on_the_server()
    {
        var refused = await Kubectl("create --validate=strict -f -", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"nonsense":1}""");
        Assert.Contains("unknown field \"nonsense\"", refused.Error);
        var warned = await Kubectl("create --validate=warn -f -", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"nonsense":1}""");
        Assert.Equal((0, true), (warned.ExitCode, warned.Error.Contains("Warning: unknown field \"nonsense\"", StringComparison.Ordinal)));
    }
}
