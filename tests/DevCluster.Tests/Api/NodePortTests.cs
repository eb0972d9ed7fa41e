using System.Net;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>Which ports services get on the nodes.</summary>
public sealed class NodePortTests : IAsyncLifetime
{
    private const string Services = "/api/v1/namespaces/default/services";
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Each_port_gets_one_of_its_own_and_keeps_it_until_the_type_changes()
    {
        var (code, service) = await CreateAsync("a", """{"type":"NodePort","ports":[{"name":"x","port":80},{"name":"y","port":81},{"name":"z","port":53,"protocol":"TCP"},{"name":"u","port":53,"protocol":"UDP"}]}""");
        Assert.Equal(HttpStatusCode.Created, code);
        var ports = Ports(service);
        Assert.All(ports, p => Assert.InRange(p ?? 0, 30000, 32767));
        Assert.Equal(3, ports.Distinct().Count());
        Assert.Equal(ports[2], ports[3]);
        var (_, kept) = await PatchAsync("a", """{"spec":{"ports":[{"name":"y","port":81},{"name":"x","port":80,"targetPort":8080}]}}""");
        Assert.Equal([ports[1], ports[0]], Ports(kept));
        var (_, plain) = await PatchAsync("a", """{"spec":{"type":"ClusterIP"}}""");
        Assert.Equal([null, null], Ports(plain));
    }

    [Fact]
    public async Task A_port_that_is_taken_or_out_of_range_is_refused()
    {
        await CreateAsync("a", """{"type":"NodePort","ports":[{"port":80,"nodePort":30123}]}""");
        Assert.Equal("spec.ports[0].nodePort: Invalid value: 30123: provided port is already allocated", await RefusedAsync("""{"type":"NodePort","ports":[{"port":80,"nodePort":30123}]}"""));
        Assert.Equal("spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767", await RefusedAsync("""{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}"""));
        Assert.Equal("spec.ports[1].nodePort: Duplicate value: 30124", await RefusedAsync("""{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30124},{"name":"b","port":81,"nodePort":30124}]}"""));
        Assert.Equal("spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'", await RefusedAsync("""{"ports":[{"port":80,"nodePort":30125}]}"""));
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("b", """{"type":"NodePort","ports":[{"port":80,"protocol":"UDP","nodePort":30123}]}""")).Code);
    }

    [Fact]
    public async Task Affinity_has_a_time_and_no_other_name()
    {
        Assert.Equal(10800, (await CreateAsync("a", """{"sessionAffinity":"ClientIP","ports":[{"port":80}]}""")).Body.Int("spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"));
        Assert.Equal("spec.sessionAffinity: Unsupported value: \"Cookie\": supported values: \"ClientIP\", \"None\"", await RefusedAsync("""{"sessionAffinity":"Cookie","ports":[{"port":80}]}"""));
    }

    private Task<(HttpStatusCode Code, JsonObject Body)> CreateAsync(string name, string spec) =>
        _cluster.SendAsync("POST", Services, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = JsonNode.Parse(spec) });

    private Task<(HttpStatusCode Code, JsonObject Body)> PatchAsync(string name, string patch) => _cluster.SendAsync("PATCH", $"{Services}/{name}", Parse(patch), "application/merge-patch+json");

    private async Task<string> RefusedAsync(string spec)
    {
        var (code, status) = await CreateAsync("refused", spec);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, code);
        var cause = Assert.Single(status.Arr("details", "causes")!);
        return $"{cause.Str("field")}: {cause.Str("message")}";
    }

    private static List<long?> Ports(JsonObject service) => [.. service.Arr("spec", "ports")!.Select(p => p.Int("nodePort"))];
}
