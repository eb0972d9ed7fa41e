using Troupe.DevCluster.Nodes.Model;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class KubeModelsTests
{
    /// <summary>A reader is generated for what is listed alone; one that is missing would end whoever reads the kind, at run time.</summary>
    [Fact]
    public void Every_kind_of_object_has_a_generated_reader()
    {
        var kinds = typeof(KubeJson).Assembly.GetTypes().Where(t => t.Namespace == typeof(Pod).Namespace && t.GetProperty("Metadata")?.PropertyType == typeof(ObjectMeta)).ToList();
        Assert.Contains(typeof(EndpointSlice), kinds);
        Assert.All(kinds, kind => KubeJson.Options.GetTypeInfo(kind));
    }
}
