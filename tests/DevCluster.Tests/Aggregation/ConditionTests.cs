using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tests.Api;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Aggregation;

public sealed class ConditionTests : IAsyncLifetime
{
    private const string Services = "/apis/apiregistration.k8s.io/v1/apiservices";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task An_APIService_tells_what_keeps_its_server_from_being_reached()
    {
        await _cluster.SendAsync("POST", Services, Parse("""
            {"metadata":{"name":"v1.far.example.com"},"spec":{"group":"far.example.com","version":"v1","groupPriorityMinimum":1000,"versionPriority":10,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"far"}}}
            """));
        await SaysAsync("ServiceNotFound", "service/far in \"default\" is not present");
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/services", Parse("""{"metadata":{"name":"far"},"spec":{"ports":[{"port":80}]}}"""));
        await SaysAsync("ServicePortError", "service/far in \"default\" is not listening on port 443");
        await _cluster.SendAsync("PATCH", "/api/v1/namespaces/default/services/far", JsonNode.Parse("""[{"op":"replace","path":"/spec/ports/0/port","value":443}]"""), "application/json-patch+json");
        await SaysAsync("EndpointsNotFound", "cannot find endpointslices for service/far in \"default\"");
        await _cluster.SendAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", Parse("""
            {"metadata":{"name":"far-1","labels":{"kubernetes.io/service-name":"far"}},"addressType":"IPv4","ports":[{"port":1}],"endpoints":[]}
            """));
        await SaysAsync("MissingEndpoints", "endpointslices for service/far in \"default\" have no addresses with port name \"\"");
    }

    [Fact]
    public async Task What_the_server_serves_itself_is_a_local_APIService_also_that_of_a_CRD_as_long_as_it_lives()
    {
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", Services + "/v1.apps")).Body.Arr("status", "conditions")?[0].Str("reason") == "Local", "apps is there");
        Assert.Equal("18000", (await _cluster.SendAsync("GET", Services + "/v1.")).Body.At("spec", "groupPriorityMinimum").Display());
        await _cluster.SendAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CrdTests.Widget());
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", Services + "/v1.example.com")).Body.Arr("status", "conditions")?[0].Str("status") == "True", "the CRD's is there");
        await _cluster.SendAsync("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync(Services + "/v1.example.com"), "the CRD's is gone");
    }

    private Task SaysAsync(string reason, string message) => _cluster.EventuallyAsync(async () =>
        (await _cluster.SendAsync("GET", Services + "/v1.far.example.com")).Body.Arr("status", "conditions") is [var c] && c.Str("reason") == reason && c.Str("message") == message, reason);
}
