using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Services(ApiServer server) : Topic(server)
{
    private static IEnumerable<string?> NodePorts(Answer service) => service.Json.Items("spec.ports").Select(p => p.Text("nodePort"));

    private Task<Answer> Create(string name, string spec) => Post(In("services"), $$"""{"metadata":{"name":"{{name}}"},"spec":{{spec}} }""");

    [Fact]
    public async Task A_node_port_is_given_kept_by_the_ports_name_and_goes_with_the_type()
    {
        var created = (await Create("a", """{"type":"NodePort","ports":[{"name":"x","port":80},{"name":"y","port":81}]}""")).Expect(201);
        var ports = NodePorts(created).Select(p => int.Parse(p!)).ToList();
        Assert.All(ports, p => Assert.InRange(p, 30000, 32767));
        Assert.Equal("Cluster", created["spec.externalTrafficPolicy"]);
        var kept = (await Patch(In("services/a"), """{"spec":{"ports":[{"name":"y","port":81},{"name":"x","port":80,"targetPort":8080}]}}""")).Expect(200);
        // 1.20 gives new ones.
        if (Server.Minor >= 24)
            Assert.Equal([$"{ports[1]}", $"{ports[0]}"], NodePorts(kept));
        var plain = (await Patch(In("services/a"), """{"spec":{"type":"ClusterIP","externalTrafficPolicy":null}}""")).Expect(200);
        Assert.Equal([null, null], NodePorts(plain));
    }

    [Theory]
    [InlineData("""{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}""", "provided port is not in the valid range. The range of valid ports is 30000-32767")]
    [InlineData("""{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":PORT},{"name":"b","port":81,"nodePort":PORT}]}""", "Duplicate value: PORT")]
    [InlineData("""{"type":"NodePort","ports":[{"port":80,"nodePort":PORT}]}""", "provided port is already allocated")]
    [InlineData("""{"ports":[{"port":80,"nodePort":PORT}]}""", "may not be used when `type` is 'ClusterIP'")]
    public async Task A_node_port_that_can_not_be_had_is_refused(string spec, string why)
    {
        var taken = NodePorts((await Create("taken", """{"type":"NodePort","ports":[{"port":80}]}""")).Expect(201)).Single()!;
        var refused = (await Create("refused", spec.Replace("PORT", taken, StringComparison.Ordinal))).Expect(422);
        Assert.Contains(why.Replace("PORT", taken, StringComparison.Ordinal), refused["message"]);
        Assert.All(refused.CauseFields, field => Assert.EndsWith(".nodePort", field));
    }

    [Fact]
    public async Task Affinity_has_a_time_of_three_hours_and_no_other_name()
    {
        Assert.Equal("10800", (await Create("a", """{"sessionAffinity":"ClientIP","ports":[{"port":80}]}""")).Expect(201)["spec.sessionAffinityConfig.clientIP.timeoutSeconds"]);
        Assert.Equal("None", (await Create("b", """{"ports":[{"port":80}]}""")).Expect(201)["spec.sessionAffinity"]);
        Assert.Equal(["spec.sessionAffinity"], (await Create("c", """{"sessionAffinity":"Cookie","ports":[{"port":80}]}""")).Expect(422).CauseFields);
    }
}
