using System.Net.Http.Headers;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Tokens of service accounts, and the reviews of tokens and of access.</summary>
public sealed class Identity(ApiServer server) : Topic(server)
{
    private const string Authentication = "/apis/authentication.k8s.io/v1/", Authorization = "/apis/authorization.k8s.io/v1/";

    private string Robot => $"system:serviceaccount:{Namespace}:robot";

    protected override async ValueTask PrepareAsync() => (await Post(In("serviceaccounts"), """{"metadata":{"name":"robot"}}""")).Expect(201);

    [Fact]
    public async Task A_requested_token_is_its_accounts_for_the_audiences_and_the_time_asked_for()
    {
        var token = (await TokenAsync("""{"audiences":["me","you"],"expirationSeconds":3600}""")).Expect(201);
        Assert.Equal(["me", "you"], token.Json.Texts("spec.audiences"));
        var until = DateTimeOffset.Parse(token["status.expirationTimestamp"]!, null) - DateTimeOffset.UtcNow;
        Assert.InRange(until.TotalMinutes, 55, 61);
        var review = await ReviewAsync(token["status.token"]!, """["you","them"]""");
        Assert.Equal(("true", Robot), (review["status.authenticated"], review["status.user.username"]));
        Assert.Equal(["you"], review.Json.Texts("status.audiences"));
        Assert.Equal(["system:serviceaccounts", $"system:serviceaccounts:{Namespace}", "system:authenticated"], review.Json.Texts("status.user.groups"));
        Assert.NotEqual("true", (await ReviewAsync(token["status.token"]!, """["them"]"""))["status.authenticated"]);
    }

    [Theory]
    [InlineData("""{"expirationSeconds":10}""", "spec.expirationSeconds")]
    [InlineData("""{"expirationSeconds":8589934592}""", "spec.expirationSeconds")]
    public async Task A_token_that_lives_too_short_or_too_long_is_refused(string spec, string field)
    {
        var refused = await TokenAsync(spec);
        Assert.Equal((422, field), (refused.Code, refused.CauseFields.Single()));
    }

    [Fact]
    public async Task A_token_is_good_for_requests_until_its_account_is_gone()
    {
        using var client = Server.Client(anonymous: true);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await TokenAsync("{}")).Expect(201)["status.token"]);
        // Known, and without any right.
        Assert.Equal(403, (int)(await client.GetAsync(In("configmaps"))).StatusCode);
        Assert.Equal(200, (int)(await client.GetAsync("/version")).StatusCode);
        (await Delete(In("serviceaccounts/robot"))).Expect(200);
        await Eventually.HoldsAsync(async () => (int)(await client.GetAsync(In("configmaps"))).StatusCode == 401, "the token is void");
    }

    [Fact]
    public async Task A_token_that_is_none_is_not_authenticated()
    {
        var review = await ReviewAsync("nonsense", "[]");
        Assert.NotEqual("true", review["status.authenticated"]);
        using var client = Server.Client(anonymous: true);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "nonsense");
        Assert.Equal(401, (int)(await client.GetAsync(In("configmaps"))).StatusCode);
    }

    [Fact]
    public async Task Access_reviews_say_what_rules_allow()
    {
        (await Post(In("rbac.authorization.k8s.io/v1/roles"), """{"metadata":{"name":"r"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods/log"]}]}""")).Expect(201);
        (await Post(In("rbac.authorization.k8s.io/v1/rolebindings"), $$$"""{"metadata":{"name":"r"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"{{{Namespace}}}"}]}""")).Expect(201);
        await Eventually.HoldsAsync(async () => await AllowedAsync("get", "log") == "true", "the binding is in force");
        Assert.Equal("false", await AllowedAsync("get", ""));
        Assert.Equal("false", await AllowedAsync("list", "log"));
        var local = await Post(In("authorization.k8s.io/v1/localsubjectaccessreviews"), $$$"""{"metadata":{"namespace":"{{{Namespace}}}"},"spec":{"user":"{{{Robot}}}","resourceAttributes":{"namespace":"{{{Namespace}}}","verb":"get","resource":"pods","subresource":"log"} } }""");
        Assert.Equal("true", local.Expect(201)["status.allowed"]);
        var self = await Post(Authorization + "selfsubjectaccessreviews", """{"spec":{"nonResourceAttributes":{"path":"/version","verb":"get"}}}""");
        Assert.Equal("true", self.Expect(201)["status.allowed"]);
        Assert.Equal(422, (await Post(Authorization + "subjectaccessreviews", """{"spec":{"user":"x"}}""")).Code);
    }

    private Task<Answer> TokenAsync(string spec) => Post(In("serviceaccounts/robot/token"), $$"""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{{(spec.Contains("audiences", StringComparison.Ordinal) ? spec : spec.Insert(1, "\"audiences\":null" + (spec == "{}" ? "" : ",")))}}}""");

    private Task<Answer> ReviewAsync(string token, string audiences) => Post(Authentication + "tokenreviews", $$$"""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"{{{token}}}","audiences":{{{audiences}}}} }""");

    private async Task<string?> AllowedAsync(string verb, string subresource) => (await Post(Authorization + "subjectaccessreviews", $$$$"""
        {"spec":{"user":"{{{{Robot}}}}","groups":["system:serviceaccounts"],"resourceAttributes":{"namespace":"{{{{Namespace}}}}","verb":"{{{{verb}}}}","resource":"pods","subresource":"{{{{subresource}}}}"} } }
        """)).Expect(201)["status.allowed"];
}
