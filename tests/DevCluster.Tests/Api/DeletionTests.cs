using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>Finalizers, grace, propagation, garbage collection, namespaces.</summary>
public sealed class DeletionTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task An_object_with_finalizers_stays_until_the_last_is_taken_off()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("f", metadata: Parse("""{"finalizers":["example.com/a"]}""")));
        var (_, marked) = await _cluster.SendAsync("DELETE", ConfigMaps + "/f");
        Assert.NotNull(marked.Str("metadata", "deletionTimestamp"));
        var (code, refused) = await _cluster.SendAsync("PATCH", ConfigMaps + "/f", Parse("""{"metadata":{"finalizers":["example.com/a","example.com/b"]}}"""), "application/merge-patch+json");
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "Invalid"), (code, refused.Str("reason")));
        await _cluster.SendAsync("PATCH", ConfigMaps + "/f", Parse("""{"metadata":{"finalizers":null}}"""), "application/merge-patch+json");
        Assert.True(await _cluster.IsGoneAsync(ConfigMaps + "/f"));
    }

    [Fact]
    public async Task Preconditions_guard_a_delete()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("pre"));
        Assert.Equal(HttpStatusCode.Conflict, (await _cluster.SendAsync("DELETE", ConfigMaps + "/pre", Parse("""{"preconditions":{"uid":"other"}}"""))).Code);
        Assert.Equal(HttpStatusCode.Conflict, (await _cluster.SendAsync("DELETE", ConfigMaps + "/pre", Parse("""{"preconditions":{"resourceVersion":"1"}}"""))).Code);
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("DELETE", ConfigMaps + "/pre")).Code);
    }

    [Fact]
    public async Task A_running_pod_is_only_marked_and_goes_when_its_kubelet_says_so()
    {
        const string Pods = "/api/v1/namespaces/default/pods";
        await _cluster.SendAsync("POST", Pods, Parse("""{"metadata":{"name":"p"},"spec":{"nodeName":"n1","terminationGracePeriodSeconds":7,"containers":[{"name":"c","image":"i"}]}}"""));
        var (_, marked) = await _cluster.SendAsync("DELETE", Pods + "/p");
        Assert.Equal(7, marked.Int("metadata", "deletionGracePeriodSeconds"));
        var (_, shorter) = await _cluster.SendAsync("DELETE", Pods + "/p?gracePeriodSeconds=3");
        Assert.Equal(3, shorter.Int("metadata", "deletionGracePeriodSeconds"));
        await _cluster.SendAsync("DELETE", Pods + "/p?gracePeriodSeconds=0");
        Assert.True(await _cluster.IsGoneAsync(Pods + "/p"));
        await _cluster.SendAsync("POST", Pods, Parse("""{"metadata":{"name":"q"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""));
        await _cluster.SendAsync("DELETE", Pods + "/q");
        Assert.True(await _cluster.IsGoneAsync(Pods + "/q"));
    }

    [Fact]
    public async Task Of_a_collection_go_those_that_the_selectors_show()
    {
        const string Pods = "/api/v1/namespaces/default/pods";
        foreach (var (name, app, phase) in new[] { ("done", "a", "Succeeded"), ("own", "a", "Succeeded"), ("other", "b", "Succeeded"), ("failed", "a", "Failed"), ("running", "a", "Running") })
        {
            await _cluster.SendAsync("POST", Pods, Parse($$"""{"metadata":{"name":"{{name}}","labels":{"app":"{{app}}"} },"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]} }"""));
            await _cluster.SendAsync("PATCH", $"{Pods}/{name}/status", Parse($$"""{"status":{"phase":"{{phase}}"} }"""), "application/merge-patch+json");
        }

        var (code, _) = await _cluster.SendAsync("DELETE", $"{Pods}?labelSelector=app%3Da&fieldSelector=status.phase%3DSucceeded%2Cmetadata.name%21%3Down");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.True(await _cluster.IsGoneAsync(Pods + "/done"));
        foreach (var name in new[] { "own", "other", "failed", "running" })
            Assert.Null((await _cluster.SendAsync("GET", $"{Pods}/{name}")).Body.Str("metadata", "deletionTimestamp"));
    }

    [Fact]
    public async Task Dependents_follow_their_owner_in_the_background()
    {
        await OwnedAsync("owner", "child");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/owner");
        Assert.True(await _cluster.IsGoneAsync(ConfigMaps + "/owner"));
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/child"), "the dependent is collected");
    }

    [Fact]
    public async Task In_the_foreground_the_owner_waits_for_its_dependents()
    {
        await OwnedAsync("owner", "child", """{"finalizers":["example.com/hold"]}""");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/owner?propagationPolicy=Foreground");
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", ConfigMaps + "/child")).Body.At("metadata", "deletionTimestamp") is not null, "the dependent is marked");
        Assert.False(await _cluster.IsGoneAsync(ConfigMaps + "/owner"));
        await _cluster.SendAsync("PATCH", ConfigMaps + "/child", Parse("""{"metadata":{"finalizers":null}}"""), "application/merge-patch+json");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/owner"), "the owner is gone");
    }

    [Fact]
    public async Task Orphans_lose_their_owner_and_live()
    {
        await OwnedAsync("owner", "child");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/owner?propagationPolicy=Orphan");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/owner"), "the owner is gone");
        Assert.Null((await _cluster.SendAsync("GET", ConfigMaps + "/child")).Body.At("metadata", "ownerReferences"));
    }

    [Fact]
    public async Task A_dependent_of_an_owner_that_never_was_is_collected()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("lost", metadata: Parse("""{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"none","uid":"nobody"}]}""")));
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/lost"), "it is collected");
    }

    [Fact]
    public async Task A_deleted_namespace_empties_itself_and_takes_nothing_new()
    {
        await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"temp"}}"""));
        const string Inside = "/api/v1/namespaces/temp/configmaps";
        await _cluster.SendAsync("POST", Inside, ConfigMap("held", metadata: Parse("""{"finalizers":["example.com/hold"]}""")));
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", "/api/v1/namespaces/temp/serviceaccounts/default")).Code == HttpStatusCode.OK, "the default account is there");
        var (_, ns) = await _cluster.SendAsync("DELETE", "/api/v1/namespaces/temp");
        Assert.Equal("Terminating", ns.Str("status", "phase"));
        var (code, refused) = await _cluster.SendAsync("POST", Inside, ConfigMap("late"));
        Assert.Equal((HttpStatusCode.Forbidden, "NamespaceTerminating"), (code, refused.Arr("details", "causes")![0].Str("reason")));
        await _cluster.SendAsync("PATCH", Inside + "/held", Parse("""{"metadata":{"finalizers":null}}"""), "application/merge-patch+json");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync("/api/v1/namespaces/temp"), "the namespace is gone");
        Assert.Empty((await _cluster.SendAsync("GET", Inside)).Body.Arr("items")!);
        Assert.Equal(HttpStatusCode.Forbidden, (await _cluster.SendAsync("DELETE", "/api/v1/namespaces/default")).Code);
    }

    [Fact]
    public async Task A_collection_is_deleted_by_selector()
    {
        foreach (var (name, label) in new[] { ("a", "x"), ("b", "x"), ("c", "y") })
            await _cluster.SendAsync("POST", ConfigMaps, ConfigMap(name, metadata: Parse($$$"""{"labels":{"l":"{{{label}}}"}}""")));
        await _cluster.SendAsync("DELETE", ConfigMaps + "?labelSelector=l=x");
        Assert.Equal(["c"], (await _cluster.SendAsync("GET", ConfigMaps + "?labelSelector=l")).Body.Arr("items")!.Select(i => i.Str("metadata", "name")));
    }

    private async Task OwnedAsync(string owner, string child, string metadata = "{}")
    {
        var (_, made) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap(owner));
        var meta = Parse(metadata);
        meta["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["name"] = owner,
            ["uid"] = made.Str("metadata", "uid"),
            ["blockOwnerDeletion"] = true,
        });
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap(child, metadata: meta));
    }
}
