using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Collection;

/// <summary>What owner references and deleted namespaces do beyond the ordinary case.</summary>
public sealed class GarbageTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task References_to_owners_that_are_gone_are_taken_off_while_another_owner_lives()
    {
        var (first, second) = (await OwnerAsync("first"), await OwnerAsync("second"));
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("child", metadata: new JsonObject { ["ownerReferences"] = new JsonArray(Reference(first), Reference(second)) }));
        await _cluster.SendAsync("DELETE", ConfigMaps + "/first");
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", ConfigMaps + "/child")).Body.Arr("metadata", "ownerReferences") is [var left] && left.Str("name") == "second", "one owner is left");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/second");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/child"), "the child is gone");
    }

    [Fact]
    public async Task An_owner_in_another_namespace_counts_as_absent()
    {
        var owner = await OwnerAsync("owner");
        await _cluster.SendAsync("POST", "/api/v1/namespaces/kube-public/configmaps", ConfigMap("child", metadata: new JsonObject { ["ownerReferences"] = new JsonArray(Reference(owner)) }));
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync("/api/v1/namespaces/kube-public/configmaps/child"), "the child is gone");
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("GET", ConfigMaps + "/owner")).Code);
    }

    [Fact]
    public async Task A_cluster_scoped_object_with_a_namespaced_owner_stays()
    {
        var owner = await OwnerAsync("owner");
        await _cluster.SendAsync("POST", "/apis/storage.k8s.io/v1/storageclasses", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "kept", ["ownerReferences"] = new JsonArray(Reference(owner)) },
            ["provisioner"] = "x/y",
        });
        // A sibling whose owner is truly absent shows that the collector has been by.
        var absent = Reference(owner);
        absent["uid"] = Guid.NewGuid().ToString();
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("sibling", metadata: new JsonObject { ["ownerReferences"] = new JsonArray(absent) }));
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(ConfigMaps + "/sibling"), "the sibling is gone");
        Assert.Equal(HttpStatusCode.OK, (await _cluster.SendAsync("GET", "/apis/storage.k8s.io/v1/storageclasses/kept")).Code);
    }

    [Fact]
    public async Task A_namespace_that_waits_for_finalizers_tells_so()
    {
        await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"ending"}}"""));
        const string maps = "/api/v1/namespaces/ending/configmaps";
        await _cluster.SendAsync("POST", maps, ConfigMap("held", metadata: Parse("""{"finalizers":["example.com/hold"]}""")));
        await _cluster.SendAsync("DELETE", "/api/v1/namespaces/ending");
        async Task<JsonArray?> Conditions() => (await _cluster.SendAsync("GET", "/api/v1/namespaces/ending")).Body.Arr("status", "conditions");
        await _cluster.EventuallyAsync(async () => (await Conditions())?.Any(c => c.Str("message") == "Some resources are remaining: configmaps. has 1 resource instances") == true, "the rest is told");
        var conditions = (await Conditions())!;
        Assert.Equal(
            ["NamespaceDeletionDiscoveryFailure=False", "NamespaceDeletionGroupVersionParsingFailure=False", "NamespaceDeletionContentFailure=False", "NamespaceContentRemaining=True", "NamespaceFinalizersRemaining=True"],
            conditions.Select(c => $"{c.Str("type")}={c.Str("status")}"));
        Assert.Equal("Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances", conditions[4].Str("message"));
        await _cluster.SendAsync("PATCH", maps + "/held", Parse("""{"metadata":{"finalizers":null}}"""), "application/merge-patch+json");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync("/api/v1/namespaces/ending"), "the namespace is gone");
    }

    private async Task<JsonObject> OwnerAsync(string name) => (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap(name))).Body;

    private static JsonObject Reference(JsonObject owner) =>
        new() { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["name"] = owner.Name(), ["uid"] = owner.Str("metadata", "uid") };
}
