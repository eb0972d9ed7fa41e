using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Quotas;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Admission;

public sealed class QuotaTests : IAsyncLifetime
{
    private const string Default = "/api/v1/namespaces/default/";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_quota_on_counts_refuses_one_too_many_and_gives_back_what_is_deleted()
    {
        await QuotaAsync("""{"hard":{"count/secrets":"2","services":"1"}}""");
        Assert.Equal(HttpStatusCode.Created, await SecretAsync("a"));
        Assert.Equal(HttpStatusCode.Created, await SecretAsync("b"));
        var (code, status) = await _cluster.SendAsync("POST", Default + "secrets", Parse("""{"metadata":{"name":"c"}}"""));
        Assert.Equal(HttpStatusCode.Forbidden, code);
        Assert.Equal("secrets \"c\" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=2, limited: count/secrets=2", status.Str("message"));
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("free"))).Code);
        await _cluster.SendAsync("DELETE", Default + "secrets/a");
        await _cluster.EventuallyAsync(async () => await SecretAsync("c") == HttpStatusCode.Created, "there is room again");
    }

    [Fact]
    public async Task Many_creates_at_once_do_not_exceed_a_quota_together()
    {
        await QuotaAsync("""{"hard":{"count/secrets":"5"}}""");
        var codes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => SecretAsync("s" + i)));
        Assert.Equal(5, codes.Count(c => c == HttpStatusCode.Created));
        Assert.Equal(15, codes.Count(c => c == HttpStatusCode.Forbidden));
    }

    [Fact]
    public async Task Compute_resources_are_summed_and_must_be_specified()
    {
        await QuotaAsync("""{"hard":{"requests.cpu":"1","limits.memory":"1Gi","pods":"10"}}""");
        var (_, status) = await PodAsync("none", "{}");
        Assert.Equal("pods \"none\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c", status.Str("message"));
        var (code, _) = await PodAsync("a", """{"requests":{"cpu":"700m"},"limits":{"memory":"512Mi"}}""");
        Assert.Equal(HttpStatusCode.Created, code);
        (_, status) = await PodAsync("b", """{"requests":{"cpu":"400m"},"limits":{"memory":"512Mi"}}""");
        Assert.Equal("pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=400m, used: requests.cpu=700m, limited: requests.cpu=1", status.Str("message"));
        var (_, quota) = await _cluster.SendAsync("GET", Default + "resourcequotas/q");
        Assert.Equal(("700m", "512Mi", "1"), (quota.Str("status", "used", "requests.cpu"), quota.Str("status", "used", "limits.memory"), quota.Str("status", "used", "pods")));
    }

    [Fact]
    public async Task Scopes_choose_the_pods_that_count()
    {
        await QuotaAsync("""{"hard":{"pods":"0"},"scopes":["BestEffort"]}""");
        Assert.Equal(HttpStatusCode.Forbidden, (await PodAsync("a", "{}")).Code);
        Assert.Equal(HttpStatusCode.Created, (await PodAsync("b", """{"requests":{"cpu":"1m"}}""")).Code);
    }

    [Fact]
    public async Task Storage_is_limited_by_class()
    {
        await QuotaAsync("""{"hard":{"requests.storage":"10Gi","fast.storageclass.storage.k8s.io/persistentvolumeclaims":"0"}}""");
        async Task<HttpStatusCode> Claim(string name, string size, string storageClass) => (await _cluster.SendAsync("POST", Default + "persistentvolumeclaims", Parse($$$$$$$"""
            {"metadata":{"name":"{{{{{{{name}}}}}}}"},"spec":{"storageClassName":"{{{{{{{storageClass}}}}}}}","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"{{{{{{{size}}}}}}}"}}}}
            """))).Code;
        Assert.Equal(HttpStatusCode.Created, await Claim("a", "8Gi", "slow"));
        Assert.Equal(HttpStatusCode.Forbidden, await Claim("b", "3Gi", "slow"));
        Assert.Equal(HttpStatusCode.Forbidden, await Claim("c", "1Gi", "fast"));
    }

    [Fact]
    public async Task A_limit_range_fills_in_and_bounds()
    {
        await LimitsAsync("""
            [{"type":"Container","default":{"cpu":"500m"},"defaultRequest":{"cpu":"250m"},"min":{"memory":"64Mi"},"max":{"memory":"1Gi"},"maxLimitRequestRatio":{"cpu":"4"}},
             {"type":"Pod","max":{"cpu":"2"}},{"type":"PersistentVolumeClaim","max":{"storage":"5Gi"}}]
            """);
        var (code, pod) = await PodAsync("a", """{"requests":{"memory":"128Mi"}}""");
        Assert.True(code == HttpStatusCode.Created, pod.ToJsonString());
        Assert.Equal("""{"requests":{"memory":"128Mi","cpu":"250m"},"limits":{"cpu":"500m","memory":"1Gi"}}""", pod["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        Assert.Contains("LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c", pod.Str("metadata", "annotations", "kubernetes.io/limit-ranger"));
        var (_, small) = await PodAsync("b", """{"requests":{"memory":"32Mi"}}""");
        Assert.Equal("pods \"b\" is forbidden: minimum memory usage per Container is 64Mi, but request is 32Mi", small.Str("message"));
        var (_, far) = await PodAsync("c", """{"requests":{"memory":"64Mi","cpu":"100m"},"limits":{"cpu":"3"}}""");
        Assert.Equal(
            "pods \"c\" is forbidden: [cpu max limit to request ratio per Container is 4, but provided ratio is 30.000000, maximum cpu usage per Pod is 2, but limit is 3]", far.Str("message"));
        var (_, claim) = await _cluster.SendAsync("POST", Default + "persistentvolumeclaims", Parse("""{"metadata":{"name":"p"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"6Gi"}}}}"""));
        Assert.Equal("persistentvolumeclaims \"p\" is forbidden: maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi", claim.Str("message"));
    }

    [Theory]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("1500m", "1500m")]
    [InlineData("1000", "1k")]
    [InlineData("0.5", "500m")]
    [InlineData("3000Mi", "3000Mi")]
    [InlineData("0", "0")]
    [InlineData("1e3", "1k")]
    public void Amounts_are_shown_in_their_canonical_form(string text, string shown) => Assert.Equal(shown, Amount.Parse(text).ToString());

    private async Task QuotaAsync(string spec)
    {
        await _cluster.SendAsync("POST", Default + "resourcequotas", Parse($$"""{"metadata":{"name":"q"},"spec":{{spec}}}"""));
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", Default + "resourcequotas/q")).Body.At("status", "used") is not null, "the quota is counted");
    }

    private async Task LimitsAsync(string limits)
    {
        var (code, status) = await _cluster.SendAsync("POST", Default + "limitranges", Parse($$$$$$$"""{"metadata":{"name":"l"},"spec":{"limits":{{{{{{{limits}}}}}}}}}"""));
        Assert.True(code == HttpStatusCode.Created, status.ToJsonString());
    }

    private async Task<HttpStatusCode> SecretAsync(string name) => (await _cluster.SendAsync("POST", Default + "secrets", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } })).Code;

    private Task<(HttpStatusCode Code, JsonObject Body)> PodAsync(string name, string resources) =>
        _cluster.SendAsync("POST", Default + "pods", Parse($$$$$$$"""{"metadata":{"name":"{{{{{{{name}}}}}}}"},"spec":{"containers":[{"name":"c","image":"i","resources":{{{{{{{resources}}}}}}}}]}}"""));
}
