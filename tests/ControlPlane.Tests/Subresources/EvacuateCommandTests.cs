using Troupe.ControlPlane.Subresources;
using Troupe.ControlPlane.Tests.Migration;
using Troupe.Messages.Api.KubeVirt;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class EvacuateCommandTests
{
    [Fact]
    public void A_guest_of_a_node_that_is_being_drained_cannot_stay()
    {
        var refusal = EvacuateCommands.NodeRefusal(MigrationSamples.Node("node-1", "kubevirt.io/drain"), "kubevirt.io/drain");
        Assert.Equal((400, "Node \"node-1\" has NodeDrainTaintKey \"kubevirt.io/drain:NoSchedule\""), (refusal!.Code, refusal.Message));
        Assert.Null(EvacuateCommands.NodeRefusal(MigrationSamples.Node("node-1", "other"), "kubevirt.io/drain"));
    }

    [Fact]
    public void Only_the_mark_that_the_caller_has_seen_is_taken_away() =>
        Assert.Equal("""[{"op":"test","path":"/status/evacuationNodeName","value":"node-1"},{"op":"remove","path":"/status/evacuationNodeName"}]""",
            EvacuateCommands.Cancel(new EvacuateCancelOptions { EvacuationNodeName = "node-1" }).ToJsonString());
}
