using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;
using TaintKey = Troupe.DevCluster.Nodes.Model.Taint;

namespace Troupe.DevCluster.Tests.Controllers.Workloads;

/// <summary>The plans of replica sets, daemon sets and stateful sets.</summary>
public sealed class PodSetPlanTests
{
    [Fact]
    public void A_replica_set_deletes_the_pods_of_least_worth_first()
    {
        Pod[] pods = [Pod("ready"), Pod("unbound", node: ""), Pod("starting", phase: "Pending", ready: false), Pod("unready", ready: false), Pod("cheap") with { }];
        pods[4] = pods[4] with { Metadata = pods[4].Metadata with { Annotations = new() { ["controller.kubernetes.io/pod-deletion-cost"] = "-1" } } };
        var order = Enumerable.Range(1, 4).Select(n => ReplicaSetPlan.Next(pods.Length - n, pods).Delete[^1].Name);
        Assert.Equal(["unbound", "starting", "unready", "cheap"], order);
    }

    [Fact]
    public void A_replica_set_replaces_pods_that_ended_or_are_going()
    {
        var (create, delete) = ReplicaSetPlan.Next(3, [Pod("a"), Pod("b", phase: "Failed"), Pod("c").Deleted()]);
        Assert.Equal(2, create);
        Assert.Empty(delete);
    }

    [Fact]
    public void A_pod_is_available_once_it_was_ready_long_enough()
    {
        var pod = Pod("a", readySince: Now - TimeSpan.FromSeconds(5));
        Assert.True(ReplicaSetPlan.IsAvailable(pod, 5, Now));
        Assert.False(ReplicaSetPlan.IsAvailable(pod, 6, Now));
        Assert.Equal(TimeSpan.FromSeconds(1), ReplicaSetPlan.NextAvailable([pod], 6, Now));
    }

    [Fact]
    public void A_daemon_runs_on_every_node_that_suits_it_whatever_state_the_node_is_in()
    {
        Node[] nodes = [Node("n1"), Node("n2", "Unknown", Taint(TaintKey.Unreachable, "NoExecute")), Node("n3", "True", Taint("own", "NoSchedule")), Node("n4") with { Spec = new NodeSpec { Unschedulable = true, Taints = [Taint(TaintKey.UnschedulableKey, "NoSchedule")] } }];
        var (create, delete) = DaemonSetPlan.Next(Workload("d", 0), new PodSpec(), "h", nodes, Array.Empty<Pod>().ToLookup(p => p.Spec.NodeName), Now);
        Assert.Equal(["n1", "n2", "n4"], create.Select(n => n.Name));
        Assert.Empty(delete);
    }

    [Fact]
    public void A_daemon_leaves_nodes_that_are_gone_or_want_it_out_and_stays_where_only_new_pods_are_kept_away()
    {
        Node[] nodes = [Node("n1", "True", Taint("out", "NoExecute")), Node("n2", "True", Taint("no-new", "NoSchedule"))];
        Pod[] pods = [Pod("a", "n1"), Pod("b", "n2"), Pod("c", "n3")];
        var (create, delete) = DaemonSetPlan.Next(Workload("d", 0), new PodSpec(), "h", nodes, pods.ToLookup(p => p.Spec.NodeName), Now);
        Assert.Empty(create);
        Assert.Equal(["a", "c"], delete.Select(p => p.Name));
    }

    [Fact]
    public void A_daemon_is_updated_on_one_node_at_a_time_and_at_once_where_it_does_not_work_anyway()
    {
        var nodes = Enumerable.Range(1, 4).Select(n => Node($"n{n}")).ToList();
        var pods = nodes.Select(n => Pod("p-" + n.Name, n.Name, hash: "old")).ToList();
        Assert.Single(Delete(pods));
        pods[0] = Pod("p-n1", "n1", ready: false, hash: "new");
        Assert.Empty(Delete(pods));
        pods[1] = Pod("p-n2", "n2", ready: false, hash: "old");
        Assert.Equal(["p-n2"], Delete(pods).Select(p => p.Name));

        IReadOnlyList<Pod> Delete(IEnumerable<Pod> all) => DaemonSetPlan.Next(Workload("d", 0), new PodSpec(), "new", nodes, all.ToLookup(p => p.Spec.NodeName), Now).Delete;
    }

    [Fact]
    public void A_stateful_set_grows_one_by_one_and_shrinks_from_the_end()
    {
        Assert.Equal([0], StatefulSetPlan.Next(Workload("s", 3), [], "h", Now).Create);
        Assert.Empty(StatefulSetPlan.Next(Workload("s", 3), [Pod("s-0", ready: false, hash: "h")], "h", Now).Create);
        Assert.Equal([1], StatefulSetPlan.Next(Workload("s", 3), [Pod("s-0", hash: "h")], "h", Now).Create);
        Pod[] three = [Pod("s-0", hash: "h"), Pod("s-1", hash: "h"), Pod("s-2", hash: "h")];
        Assert.Equal(["s-2"], StatefulSetPlan.Next(Workload("s", 1), three, "h", Now).Delete.Select(p => p.Name));
        three[2] = three[2].Deleted();
        Assert.Empty(StatefulSetPlan.Next(Workload("s", 1), three, "h", Now).Delete);
    }

    [Fact]
    public void A_stateful_set_in_parallel_makes_and_deletes_all_at_once()
    {
        var set = Workload("s", 3);
        set = set with { Spec = set.Spec with { PodManagementPolicy = "Parallel" } };
        Assert.Equal([0, 1, 2], StatefulSetPlan.Next(set, [], "h", Now).Create);
        set = set with { Spec = set.Spec with { Replicas = 1 } };
        Assert.Equal(2, StatefulSetPlan.Next(set, [Pod("s-0", hash: "h"), Pod("s-1", hash: "h"), Pod("s-2", hash: "h")], "h", Now).Delete.Count);
    }

    [Fact]
    public void A_stateful_set_is_updated_from_its_last_pod_to_the_partition()
    {
        var set = Workload("s", 3);
        set = set with { Spec = set.Spec with { UpdateStrategy = new UpdateStrategy { RollingUpdate = new RollingUpdate { Partition = 1 } } } };
        Pod[] pods = [Pod("s-0", hash: "s-old"), Pod("s-1", hash: "s-old"), Pod("s-2", hash: "s-old")];
        Assert.Equal(["s-2"], Next());
        pods[2] = Pod("s-2", hash: "s-new", ready: false);
        Assert.Empty(Next());
        pods[2] = Pod("s-2", hash: "s-new");
        Assert.Equal(["s-1"], Next());
        pods[1] = Pod("s-1", hash: "s-new");
        Assert.Empty(Next());

        IEnumerable<string> Next() => StatefulSetPlan.Next(set, pods, "new", Now).Delete.Select(p => p.Name);
    }

    [Fact]
    public void A_template_has_the_same_hash_whatever_the_order_of_its_fields()
    {
        var (a, b, c) = (Json("""{"spec":{"x":1,"y":[1,2]}}"""), Json("""{"spec":{"y":[1,2],"x":1},"metadata":null}"""), Json("""{"spec":{"x":1,"y":[2,1]}}"""));
        Assert.Equal(TemplateHash.Of(a), TemplateHash.Of(b));
        Assert.NotEqual(TemplateHash.Of(a), TemplateHash.Of(c));

        static System.Text.Json.Nodes.JsonNode Json(string text) => System.Text.Json.Nodes.JsonNode.Parse(text)!;
    }
}
