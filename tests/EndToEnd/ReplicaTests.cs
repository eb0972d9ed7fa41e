using Troupe.EndToEnd.Harness;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Several control planes with a PostgreSQL journal and mutual TLS, all of them whole processes.</summary>
[Trait("Category", "Real")]
public sealed class ReplicaTests(SharedReplicas shared) : IClassFixture<SharedReplicas>
{
    private readonly TroupeCluster _cluster = shared.Cluster;
    private readonly ReplicatedControlPlane _replicas = shared.Replicas;

    [Fact]
    public async Task Whichever_replica_is_killed_no_guest_notices_and_the_others_go_on_with_all_of_them()
    {
        (await _cluster.Apply(Manifests.Demo("first"))).Require();
        var uid = (string)(await _cluster.Phase("first", "Running"))["metadata"]!["uid"]!;
        var qemu = Assert.Single(TroupeCluster.QemuOf(uid));

        // The oldest member has all singletons; the one after it inherits them.
        foreach (var (killed, next) in new[] { (Part.ControlPlane, "second"), (Part.ControlPlane2, "third") })
        {
            await LoseAsync(killed);
            (await _cluster.Apply(Manifests.Demo(next))).Require();
            await _cluster.Phase(next, "Running");
            Assert.Equal([qemu], TroupeCluster.QemuOf(uid));
            await ComeBackAsync(killed);
        }

        await using (var console = new ConsoleSession(_cluster, "first"))
            await console.LogIn();
        (await _cluster.Kubectl("delete", "vmi", "first", "second", "third", "--timeout=60s")).Require();
        Assert.Empty(TroupeCluster.QemuOf(uid));
    }

    [Fact]
    public async Task An_agent_whose_certificate_another_authority_signed_gets_no_guest_until_it_shows_the_right_one()
    {
        using var stranger = new TestAuthority();
        await _cluster.KillAsync(Part.NodeAgent2);
        _replicas.ShowAsAgent("node-2", stranger);
        _cluster.Start(Part.NodeAgent2);
        (await _cluster.Apply(Manifests.Demo("waits", node: "node-2"))).Require();
        await TroupeCluster.Eventually("the refusal", () => Task.FromResult(_cluster.Logs(lines: 2000).Contains("was refused", StringComparison.Ordinal)));
        // The refused agent has ended, and as it went it took its node off the schedulable ones; the pod may have come there before.
        var waits = (await _cluster.Get("vmi", "waits"))!;
        Assert.Contains((string?)waits["status"]?["phase"], (string?[])[null, "Pending", "Scheduling", "Scheduled"]);
        Assert.Empty(TroupeCluster.QemuOf((string)waits["metadata"]!["uid"]!));

        await _cluster.KillAsync(Part.NodeAgent2);
        _replicas.ShowAsAgent("node-2", null);
        _cluster.Start(Part.NodeAgent2);
        await _cluster.Phase("waits", "Running");
        (await _cluster.Kubectl("delete", "vmi", "waits", "--timeout=60s")).Require();
    }

    /// <summary>A dead pod's endpoint goes with its readiness.</summary>
    private async Task LoseAsync(Part replica)
    {
        await _cluster.KillAsync(replica);
        (await _cluster.Kubectl("-n", "kubevirt", "delete", "endpointslice", ReplicatedControlPlane.SliceOf(replica))).Require();
    }

    private async Task ComeBackAsync(Part replica)
    {
        _cluster.Start(replica);
        await TroupeCluster.Eventually($"{replica} ready", () => _replicas.IsReadyAsync(replica));
        (await _cluster.Apply(_replicas.EndpointOf(replica))).Require();
    }
}
