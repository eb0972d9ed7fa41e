using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Tests.Support;
using Xunit;

namespace Troupe.Messages.Tests.Api;

/// <summary>KubeVirt's samples that set every field.</summary>
public sealed class GoldenTests
{
    [Theory]
    [InlineData("kubevirt.io.v1.KubeVirt", typeof(KubeVirt))]
    [InlineData("kubevirt.io.v1.VirtualMachine", typeof(VirtualMachine))]
    [InlineData("kubevirt.io.v1.VirtualMachineInstance", typeof(VirtualMachineInstance))]
    public void A_sample_of_KubeVirt_loses_nothing_on_the_way_through_the_model(string name, Type kind)
    {
        var json = JsonNode.Parse(ReferenceData.Text($"api-goldens/{name}.json"))!;
        Assert.Empty(Lost(json, RoundTrip(json, kind), ""));
        Assert.Empty(Lost(RoundTrip(json, kind), json, ""));
        var yaml = ReferenceData.Yaml($"api-goldens/{name}.yaml");
        Assert.Empty(Lost(yaml, RoundTrip(yaml, kind), ""));
    }

    private static JsonNode RoundTrip(JsonNode json, Type kind)
    {
        var model = JsonSerializer.Deserialize(json, ApiJson.Default.GetTypeInfo(kind)!);
        return JsonSerializer.SerializeToNode(model, ApiJson.Default.GetTypeInfo(kind)!)!;
    }

    /// <summary>An absent field and one that is null say the same, and so do a quantity's number and its text.</summary>
    private static IEnumerable<string> Lost(JsonNode? sent, JsonNode? got, string path) => (sent, got) switch
    {
        (null, null) => [],
        (JsonObject s, JsonObject g) => s.SelectMany(p => Lost(p.Value, g[p.Key], $"{path}.{p.Key}")),
        (JsonArray s, JsonArray g) when s.Count == g.Count => s.Zip(g).SelectMany((p, i) => Lost(p.First, p.Second, $"{path}[{i}]")),
        (JsonValue s, JsonValue g) when s.ToString() == g.ToString() => [],
        _ => [$"{path}: {sent?.ToJsonString()} became {got?.ToJsonString()}"],
    };
}
