using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Resource quotas, limit ranges, and evictions that budgets forbid.</summary>
public sealed class Limits(ApiServer server) : Topic(server)
{
    private const string Container = """{"name":"c","image":"i"}""";

    [Fact]
    public async Task A_quota_refuses_what_exceeds_it_and_counts_what_is_there()
    {
        await NeedsPodsAsync();
        (await Post(In("resourcequotas"), """{"metadata":{"name":"q"},"spec":{"hard":{"pods":"1","limits.cpu":"1"} } }""")).Expect(201);
        await Eventually.HoldsAsync(async () => (await Get(In("resourcequotas/q")))["status.used.pods"] == "0", "it was counted");
        var without = await Post(In("pods"), Pod("a", Container));
        Assert.Equal((403, "pods \"a\" is forbidden: failed quota: q: must specify limits.cpu"), (without.Code, Plain(without)));
        (await Post(In("pods"), Pod("a", Limited("500m")))).Expect(201);
        var over = await Post(In("pods"), Pod("b", Limited("500m")));
        Assert.Equal((403, "Forbidden", "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"), (over.Code, over["reason"], over["message"]));
        await Eventually.HoldsAsync(async () => await Get(In("resourcequotas/q")) is var q && q["status.used.pods"] == "1" && q["status.used['limits.cpu']"] == "500m", "its use is told");
        (await Delete(In("pods/a?gracePeriodSeconds=0"))).Expect(200);
        await Eventually.HoldsAsync(async () => (await Post(In("pods?dryRun=All"), Pod("b", Limited("500m")))).Code == 201, "room again");
    }

    [Fact]
    public async Task A_quota_counts_objects_of_any_kind()
    {
        NeedsControllers();
        (await Post(In("resourcequotas"), """{"metadata":{"name":"q"},"spec":{"hard":{"count/ingresses.networking.k8s.io":"1"} } }""")).Expect(201);
        await Eventually.HoldsAsync(async () => (await Get(In("resourcequotas/q")))["status.used['count/ingresses.networking.k8s.io']"] == "0", "it was counted");
        static string Ingress(string name) => $$$$$"""{"metadata":{"name":"{{{{{name}}}}}"},"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80} } } } }""";
        (await Post(In("networking.k8s.io/v1/ingresses"), Ingress("a"))).Expect(201);
        var over = await Post(In("networking.k8s.io/v1/ingresses"), Ingress("b"));
        Assert.Equal((403, "ingresses.networking.k8s.io \"b\" is forbidden: exceeded quota: q, requested: count/ingresses.networking.k8s.io=1, used: count/ingresses.networking.k8s.io=1, limited: count/ingresses.networking.k8s.io=1"), (over.Code, over["message"]));
    }

    [Fact]
    public async Task A_limit_range_fills_in_and_bounds()
    {
        await NeedsPodsAsync();
        (await Post(In("limitranges"), """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","default":{"cpu":"500m"},"defaultRequest":{"cpu":"100m"},"max":{"cpu":"1"},"min":{"cpu":"50m"} }]} }""")).Expect(201);
        await Eventually.HoldsAsync(async () => (await Post(In("pods?dryRun=All"), Pod("a", Container)))["spec.containers[0].resources.limits.cpu"] == "500m", "it is in force");
        Assert.Equal("100m", (await Post(In("pods"), Pod("a", Container))).Expect(201)["spec.containers[0].resources.requests.cpu"]);
        var over = await Post(In("pods"), Pod("b", Limited("2")));
        Assert.Equal((403, "pods \"b\" is forbidden: maximum cpu usage per Container is 1, but limit is 2"), (over.Code, over["message"]));
        var under = await Post(In("pods"), Pod("b", Limited("10m")));
        Assert.Equal(403, under.Code);
        Assert.Contains("minimum cpu usage per Container is 50m, but request is 10m", under["message"]);
    }

    [Fact]
    public async Task An_eviction_is_a_delete_that_a_budget_may_refuse()
    {
        await NeedsPodsAsync();
        // policy/v1 came with 1.21.
        var policy = $"policy/{(Server.Minor >= 21 ? "v1" : "v1beta1")}";
        string Eviction(string pod) => $$$"""{"apiVersion":"{{{(Server.Minor >= 22 ? "policy/v1" : "policy/v1beta1")}}}","kind":"Eviction","metadata":{"name":"{{{pod}}}","namespace":"{{{Namespace}}}"} }""";
        (await Post(In("pods"), Pod("kept", Container, "kept"))).Expect(201);
        (await Patch(In("pods/kept/status"), """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]} }""")).Expect(200);
        (await Post(In("pods"), Pod("free", Container, "free"))).Expect(201);
        (await Post(In(policy + "/poddisruptionbudgets"), """{"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"kept"} } } }""")).Expect(201);
        await Eventually.HoldsAsync(async () => (await Get(In(policy + "/poddisruptionbudgets/b")))["status.currentHealthy"] == "1", "the budget counts it");

        var refused = await Post(In("pods/kept/eviction"), Eviction("kept"));
        Assert.Equal((429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget."), (refused.Code, refused["reason"], refused["message"]));
        Assert.Equal("The disruption budget b needs 1 healthy pods and has 1 currently", refused["details.causes[0].message"]);
        Assert.Equal(404, (await Post(In("pods/none/eviction"), Eviction("none"))).Code);
        Assert.Equal(201, (await Post(In("pods/free/eviction"), Eviction("free"))).Code);
        await Eventually.HoldsAsync(async () => (await Get(In("pods/free"))).Code == 404, "it is gone");
    }

    /// <summary>Newer versions add which container it is about.</summary>
    private static string? Plain(Answer answer) => answer["message"]?.Split(" for: ")[0];

    private static string Limited(string cpu) => $$$$"""{"name":"c","image":"i","resources":{"limits":{"cpu":"{{{{cpu}}}}"} } }""";

    private static string Pod(string name, string container, string app = "x") => $$$"""{"metadata":{"name":"{{{name}}}","labels":{"app":"{{{app}}}"} },"spec":{"containers":[{{{container}}}]} }""";
}
