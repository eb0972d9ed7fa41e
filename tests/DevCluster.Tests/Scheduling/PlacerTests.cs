using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Scheduling;
using Xunit;

namespace Troupe.DevCluster.Tests.Scheduling;

public sealed class PlacerTests
{
    [Fact]
    public void A_pod_without_room_on_any_node_says_what_is_missing_in_the_schedulers_words() =>
        Assert.Equal("0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.", Placer.Place(Pod("p", memory: 3000), [Node("a"), Node("b")], []).Message);

    [Fact]
    public void Selectors_taints_and_cordons_keep_a_pod_away()
    {
        var cordoned = Node("a") with { Spec = new NodeSpec { Unschedulable = true } };
        var tainted = Node("b") with { Spec = new NodeSpec { Taints = [new Taint { Key = "k", Value = "v", Effect = "NoSchedule" }] } };
        var pod = Pod("p") with { Spec = new PodSpec { NodeSelector = new Dictionary<string, string> { ["disk"] = "ssd" } } };
        var placement = Placer.Place(pod, [cordoned, tainted, Node("c")], []);
        Assert.Null(placement.Node);
        Assert.Contains("1 node(s) had untolerated taint {k: v}", placement.Message);
        Assert.Contains("1 node(s) were unschedulable", placement.Message);
        Assert.Contains("1 node(s) didn't match Pod's node affinity/selector", placement.Message);
    }

    [Fact]
    public void The_emptier_node_is_preferred_and_anti_affinity_is_obeyed()
    {
        var busy = Pod("busy", memory: 800) with { Spec = Pod("busy", memory: 800).Spec with { NodeName = "a" } };
        Assert.Equal("b", Placer.Place(Pod("p", memory: 100), [Node("a"), Node("b")], [busy]).Node);
        var apart = Pod("p") with
        {
            Spec = new PodSpec
            {
                Affinity = new Affinity { PodAntiAffinity = new PodAffinity { RequiredDuringSchedulingIgnoredDuringExecution = [new PodAffinityTerm { TopologyKey = "kubernetes.io/hostname", LabelSelector = new LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "x" } } }] } },
            },
        };
        Assert.Equal("b", Placer.Place(apart, [Node("a"), Node("b")], [busy]).Node);
        Assert.Null(Placer.Place(apart, [Node("a")], [busy]).Node);
    }

    private static Pod Pod(string name, long memory = 0) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default", Uid = name, Labels = new Dictionary<string, string> { ["app"] = "x" } },
        Spec = new PodSpec { Containers = [new Container { Name = "c", Resources = new ContainerResources { Requests = new Dictionary<string, Quantity> { ["memory"] = new(memory) } } }] },
    };

    private static Node Node(string name) => new()
    {
        Metadata = new ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["kubernetes.io/hostname"] = name } },
        Status = new NodeStatus { Allocatable = new Dictionary<string, Quantity> { ["memory"] = new(1000), ["pods"] = new(10) } },
    };
}
