using Troupe.DevCluster.Controllers.NodeLifecycle;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;
using TaintKey = Troupe.DevCluster.Nodes.Model.Taint;

namespace Troupe.DevCluster.Tests.Controllers.NodeLifecycle;

public sealed class NodeHealthTests
{
    [Theory]
    [InlineData("True", false, "own:NoExecute")]
    [InlineData("False", false, "own:NoExecute not-ready:NoSchedule not-ready:NoExecute")]
    [InlineData("Unknown", false, "own:NoExecute unreachable:NoSchedule unreachable:NoExecute")]
    [InlineData("True", true, "own:NoExecute unschedulable:NoSchedule")]
    public void A_nodes_state_is_told_by_taints_and_those_of_others_stay(string ready, bool cordoned, string expected)
    {
        // One of an earlier state goes.
        var node = Node("n", ready, Taint("own", "NoExecute"), Taint(TaintKey.NotReady, "PreferNoSchedule"));
        node = node with { Spec = node.Spec with { Unschedulable = cordoned } };
        Assert.Equal(expected, string.Join(' ', NodeHealth.Taints(node, Now).Select(t => $"{t.Key.Split('/')[^1]}:{t.Effect}")));
    }

    [Fact]
    public void A_taint_that_is_there_keeps_the_time_since_when()
    {
        var node = Node("n", "Unknown", Taint(TaintKey.Unreachable, "NoExecute", Now - TimeSpan.FromMinutes(3)));
        Assert.Equal(Now - TimeSpan.FromMinutes(3), NodeHealth.Taints(node, Now).Single(t => t.Effect == "NoExecute").TimeAdded);
    }

    [Fact]
    public void A_pod_goes_when_the_first_of_the_times_that_it_bears_a_taint_is_over()
    {
        var node = Node("n", "Unknown", Taint("a", "NoExecute", Now), Taint("b", "NoExecute", Now), Taint("c", "NoSchedule", Now));
        Assert.Equal(Now, NodeHealth.EvictionTime(Bearing(("a", 30)), node, Now));
        Assert.Equal(Now + TimeSpan.FromSeconds(20), NodeHealth.EvictionTime(Bearing(("a", 30), ("b", 20)), node, Now));
        Assert.Equal(Now + TimeSpan.FromSeconds(30), NodeHealth.EvictionTime(Bearing(("a", 30), ("b", null)), node, Now));
        Assert.Null(NodeHealth.EvictionTime(Bearing(("a", null), ("b", null)), node, Now));
        Assert.Null(NodeHealth.EvictionTime(Bearing(), Node("n"), Now));
    }

    [Fact]
    public void A_pod_is_stranded_when_its_node_is_gone_or_declared_out_of_service()
    {
        var dead = Node("n1", "Unknown", Taint(TaintKey.OutOfService, "NoExecute"));
        Assert.True(NodeHealth.IsStranded(Pod("a"), null));
        Assert.True(NodeHealth.IsStranded(Pod("a").Deleted(), dead));
        Assert.False(NodeHealth.IsStranded(Pod("a"), dead));
        Assert.False(NodeHealth.IsStranded(Pod("a").Deleted(), Node("n1", "True", Taint(TaintKey.OutOfService, "NoExecute"))));
        Assert.False(NodeHealth.IsStranded(Pod("a").Deleted(), Node("n1", "Unknown")));
    }

    [Fact]
    public void A_node_is_lost_when_its_heartbeat_is_older_than_allowed_and_not_before_it_had_one()
    {
        var grace = TimeSpan.FromSeconds(40);
        Assert.False(NodeHealth.IsLost(Now - grace, Now, grace));
        Assert.True(NodeHealth.IsLost(Now - grace - TimeSpan.FromSeconds(1), Now, grace));
        Assert.False(NodeHealth.IsLost(null, Now, grace));
    }

    private static Pod Bearing(params (string Key, long? Seconds)[] tolerations)
    {
        var pod = Pod("p");
        return pod with { Spec = pod.Spec with { Tolerations = [.. tolerations.Select(t => new Toleration { Key = t.Key, Operator = "Exists", TolerationSeconds = t.Seconds })] } };
    }
}
