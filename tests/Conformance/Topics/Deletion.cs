using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Deletion(ApiServer server) : Topic(server)
{
    private const string Held = """ "finalizers":["example.com/hold"] """;

    private Task<Answer> Release(string name) => Patch(In("configmaps/" + name), """{"metadata":{"finalizers":null}}""");

    private Task GoneAsync(string name) => Eventually.HoldsAsync(async () => (await Get(In("configmaps/" + name))).Code == 404, name + " is gone");

    [Fact]
    public async Task A_delete_answers_with_what_was_deleted()
    {
        var created = await ConfigMap("a");
        var answer = await Delete(In("configmaps/a"));
        Assert.Equal((200, "Status", "Success"), (answer.Code, answer["kind"], answer["status"]));
        Assert.Equal(("a", "configmaps", created["metadata.uid"]), (answer["details.name"], answer["details.kind"], answer["details.uid"]));
        Assert.Equal(404, (await Delete(In("configmaps/a"))).Code);
    }

    [Fact]
    public async Task An_object_with_finalizers_stays_until_the_last_is_taken_off()
    {
        await ConfigMap("a", metadata: Held);
        var marked = (await Delete(In("configmaps/a"))).Expect(200);
        Assert.Equal(("ConfigMap", "0"), (marked["kind"], marked["metadata.deletionGracePeriodSeconds"]));
        Assert.NotNull(marked["metadata.deletionTimestamp"]);
        Assert.Equal(marked["metadata.deletionTimestamp"], (await Delete(In("configmaps/a")))["metadata.deletionTimestamp"]);
        var refused = await Patch(In("configmaps/a"), """{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}""");
        Assert.Equal(422, refused.Code);
        Assert.Contains("no new finalizers can be added if the object is being deleted", refused["message"]);
        (await Patch(In("configmaps/a"), """{"data":{"k":"2"}}""")).Expect(200);
        (await Release("a")).Expect(200);
        Assert.Equal(404, (await Get(In("configmaps/a"))).Code);
    }

    [Theory]
    [InlineData("""{"preconditions":{"uid":"11111111-0000-0000-0000-000000000000"}}""", 409)]
    [InlineData("""{"preconditions":{"resourceVersion":"1"}}""", 409)]
    [InlineData("""{"preconditions":{"uid":"UID","resourceVersion":"RV"}}""", 200)]
    [InlineData("""{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0}""", 200)]
    [InlineData("""{"propagationPolicy":"Nonsense"}""", 422)]
    [InlineData("""{"propagationPolicy":"Orphan","orphanDependents":true}""", 422)]
    [InlineData("""{"gracePeriodSeconds":-1}""", 200)]
    [InlineData("""{"dryRun":["All"]}""", 200)]
    [InlineData("""{"dryRun":["Some"]}""", 422)]
    [InlineData("""{"gracePeriodSeconds":"x"}""", 400)]
    [InlineData("""{""", 400)]
    public async Task Delete_options_are_heeded(string options, int code)
    {
        var created = await ConfigMap("a");
        var body = options.Replace("UID", created["metadata.uid"], StringComparison.Ordinal).Replace("RV", created.Version, StringComparison.Ordinal);
        var answer = (await Delete(In("configmaps/a"), body)).Code;
        Assert.True(answer == code || (code == 400 && answer == 500 && Server.Minor < 25), $"{answer}");
        var stays = code != 200 || options.Contains("dryRun", StringComparison.Ordinal);
        Assert.Equal(stays ? 200 : 404, (await Get(In("configmaps/a"))).Code);
    }

    [Fact]
    public async Task A_failed_precondition_tells_both_sides()
    {
        var created = await ConfigMap("a");
        var answer = await Delete(In("configmaps/a"), """{"preconditions":{"uid":"other"}}""");
        Assert.Equal("Conflict", answer["reason"]);
        Assert.Contains($"the UID in the precondition (other) does not match the UID in record ({created["metadata.uid"]})", answer["message"]);
    }

    [Theory]
    [InlineData("?propagationPolicy=Foreground", "foregroundDeletion")]
    [InlineData("?propagationPolicy=Orphan", "orphan")]
    [InlineData("?orphanDependents=true", "orphan")]
    public async Task A_propagation_policy_is_kept_as_a_finalizer(string query, string finalizer)
    {
        await ConfigMap("a", metadata: Held);
        Assert.Contains(finalizer, (await Delete(In("configmaps/a") + query)).Json.Texts("metadata.finalizers"));
        await Release("a");
    }

    [Fact]
    public async Task In_the_background_dependents_follow_their_owner()
    {
        NeedsControllers();
        await OwnedAsync();
        await Delete(In("configmaps/owner"));
        Assert.Equal(404, (await Get(In("configmaps/owner"))).Code);
        await GoneAsync("child");
    }

    [Fact]
    public async Task In_the_foreground_the_owner_waits_for_its_dependents()
    {
        NeedsControllers();
        await OwnedAsync("," + Held);
        (await Delete(In("configmaps/owner?propagationPolicy=Foreground"))).Expect(200);
        await Eventually.HoldsAsync(async () => (await Get(In("configmaps/child")))["metadata.deletionTimestamp"] is not null, "the dependent is marked");
        Assert.Equal(200, (await Get(In("configmaps/owner"))).Code);
        await Release("child");
        await GoneAsync("owner");
    }

    [Fact]
    public async Task Orphans_lose_their_owner_and_live()
    {
        NeedsControllers();
        await OwnedAsync();
        (await Delete(In("configmaps/owner?propagationPolicy=Orphan"))).Expect(200);
        await GoneAsync("owner");
        Assert.Null((await Get(In("configmaps/child"))).Expect(200).Json.At("metadata.ownerReferences"));
    }

    [Fact]
    public async Task A_dependent_of_an_owner_that_never_was_is_collected()
    {
        NeedsControllers();
        await ConfigMap("lost", metadata: """ "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"none","uid":"11111111-0000-0000-0000-000000000000"}] """);
        await GoneAsync("lost");
    }

    [Fact]
    public async Task A_collection_is_deleted_by_selector()
    {
        foreach (var (name, label) in new[] { ("a", "x"), ("b", "x"), ("c", "y") })
            await ConfigMap(name, metadata: $$""" "labels":{"l":"{{label}}"} """);
        var answer = (await Delete(In("configmaps?labelSelector=l=x"))).Expect(200);
        Assert.Equal(["a", "b"], answer.Names);
        Assert.Equal(["c"], (await Get(In("configmaps?labelSelector=l"))).Names);
        (await Delete(In("configmaps?labelSelector=l&dryRun=All"))).Expect(200);
        Assert.Equal(["c"], (await Get(In("configmaps?labelSelector=l"))).Names);
        (await Delete(In("configmaps?fieldSelector=metadata.name=c"))).Expect(200);
        Assert.Empty((await Get(In("configmaps?labelSelector=l"))).Names);
    }

    [Fact]
    public async Task A_deleted_namespace_takes_nothing_new_and_empties_itself()
    {
        NeedsControllers();
        await using var other = await TestNamespace.CreateAsync(Server);
        (await Post(other.Path("configmaps"), $$$"""{"metadata":{"name":"held",{{{Held}}}}}""")).Expect(201);
        var marked = (await Delete("/api/v1/namespaces/" + other.Name)).Expect(200);
        Assert.Equal(("Namespace", "Terminating"), (marked["kind"], marked["status.phase"]));
        var refused = await Post(other.Path("configmaps"), """{"metadata":{"name":"late"}}""");
        Assert.Equal((403, "Forbidden", "NamespaceTerminating"), (refused.Code, refused["reason"], refused["details.causes[0].reason"]));
        Assert.Contains($"unable to create new content in namespace {other.Name} because it is being terminated", refused["message"]);
        await Eventually.HoldsAsync(async () => (await Get(other.Path("configmaps/held")))["metadata.deletionTimestamp"] is not null, "its content is marked");
        (await Patch(other.Path("configmaps/held"), """{"metadata":{"finalizers":null}}""")).Expect(200);
        await Eventually.HoldsAsync(async () => (await Get("/api/v1/namespaces/" + other.Name)).Code == 404, "the namespace is gone");
    }

    [Theory]
    [InlineData("default")]
    [InlineData("kube-system")]
    [InlineData("kube-public")]
    public async Task The_first_namespaces_cannot_be_deleted(string name)
    {
        var answer = await Delete("/api/v1/namespaces/" + name);
        Assert.Equal((403, "Forbidden"), (answer.Code, answer["reason"]));
        Assert.Contains("this namespace may not be deleted", answer["message"]);
    }

    private async Task OwnedAsync(string more = "")
    {
        var uid = (await ConfigMap("owner"))["metadata.uid"];
        await ConfigMap("child", metadata: $$""" "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{{uid}}","blockOwnerDeletion":true}]{{more}} """);
    }
}
