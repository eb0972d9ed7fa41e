using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Machines.Instancetypes.Common;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;
using Troupe.Tests.Support;
using Xunit;

namespace Troupe.ControlPlane.Tests.Machines.Instancetypes;

/// <summary>The instance types and preferences that ship, against KubeVirt's.</summary>
public sealed class CommonSetTests
{
    // Prose and links are our own.
    private static readonly string[] OwnAnnotations = ["instancetype.kubevirt.io/description", "openshift.io/documentation-url", "openshift.io/support-url"];

    [Fact]
    public void The_instance_types_are_KubeVirts() =>
        Compare(ReferenceData.YamlDocuments("common-instancetypes/common-clusterinstancetypes-bundle.yaml"), CommonInstancetypes.All);

    [Fact]
    public void The_preferences_are_KubeVirts() =>
        Compare(ReferenceData.YamlDocuments("common-instancetypes/common-clusterpreferences-bundle.yaml"), CommonPreferences.All);

    private static void Compare<T>(IReadOnlyList<JsonObject> expected, IReadOnlyList<T> actual) where T : KubeObject
    {
        Assert.Equal(expected.Select(e => (string)e["metadata"]!["name"]!).Order(StringComparer.Ordinal), actual.Select(a => a.Metadata.Name!).Order(StringComparer.Ordinal));
        foreach (var want in expected)
        {
            var have = JsonSerializer.SerializeToNode(actual.Single(a => a.Metadata.Name == (string)want["metadata"]!["name"]!), ApiJson.Default.GetTypeInfo(typeof(T))!)!.AsObject();
            foreach (var annotations in new[] { want, have }.Select(o => o["metadata"]!["annotations"]!.AsObject()))
            {
                foreach (var own in OwnAnnotations)
                    annotations.Remove(own);
            }

            Assert.True(JsonNode.DeepEquals(want, have), $"expected {want.ToJsonString()}\nbut got {have.ToJsonString()}");
        }
    }
}
