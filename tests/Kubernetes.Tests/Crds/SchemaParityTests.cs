using System.Text.Json.Nodes;
using Troupe.Kubernetes.Crds;
using Troupe.Tests.Support;
using Xunit;

namespace Troupe.Kubernetes.Tests.Crds;

/// <summary>The schemas that the model generates, against KubeVirt's.</summary>
public sealed class SchemaParityTests
{
    public static TheoryData<string> Kinds => [.. KubeVirtCrds.Definitions.Where(d => d.Group != "cdi.kubevirt.io").Select(d => d.Kind)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_field_of_KubeVirt_is_there_and_has_the_same_schema(string kind)
    {
        var definition = KubeVirtCrds.Definitions.Single(d => d.Kind == kind);
        var expected = ReferenceData.Yaml($"crd-schemas/{kind.ToLowerInvariant()}.yaml")["openAPIV3Schema"]!.AsObject();
        var crd = KubeVirtCrds.All[definition.FileName];
        foreach (var version in crd["spec"]!["versions"]!.AsArray())
        {
            var comparison = SchemaComparison.Of(expected, version!["schema"]!["openAPIV3Schema"]!.AsObject());
            TestContext.Current.TestOutputHelper?.WriteLine($"{kind} {version["name"]}: {comparison.Found} of {comparison.Fields} fields ({100.0 * comparison.Found / comparison.Fields:0.0} %)");
            var unexplained = comparison.Differences.Where(d => !Justified.Any(j => d.Contains(j.Key, StringComparison.Ordinal))).ToList();
            Assert.True(unexplained.Count == 0, $"{kind}: {unexplained.Count} differences\n{string.Join('\n', unexplained.Take(100))}");
            Assert.Equal(comparison.Fields, comparison.Found);
        }
    }

    /// <summary>Differences that are meant, by a part of their line, and why.</summary>
    private static readonly Dictionary<string, string> Justified = [];

    [Fact]
    public void The_data_volume_template_is_CDIs()
    {
        var machine = KubeVirtCrds.All["kubevirt.io_virtualmachines.yaml"]["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!;
        var template = machine["properties"]!["spec"]!["properties"]!["dataVolumeTemplates"]!["items"]!.AsObject();
        var volume = KubeVirtCrds.All["cdi.kubevirt.io_datavolumes.yaml"]["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!;
        Assert.True(JsonNode.DeepEquals(template["properties"]!["spec"], volume["properties"]!["spec"]));
    }
}
