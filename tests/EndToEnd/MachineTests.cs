using System.Diagnostics;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>VirtualMachines with real guests: crashes, changes while they run, and their end.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class MachineTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task A_guest_that_never_comes_up_is_retried_after_a_while_until_its_template_is_mended()
    {
        var vm = await Create("crashing", "runStrategy: Always", kernel: "/boot/nothing-here");
        // QEMU can't open the kernel; the node goes on trying until the pod is taken away.
        await Eventually.Get("a try to start it", vm.Instance, i => i?["status"]?["conditions"]?.AsArray().Any(c => ((string?)c?["message"])?.Contains("nothing-here") is true) is true);
        (await Cluster.Kubectl("delete", "pod", "-l", "kubevirt.io=virt-launcher,machine=crashing", "--wait=false")).Require();
        await vm.Becomes("CrashLoopBackOff");
        // After a second one it would be close to a minute; StartBackoffTests know how it grows.
        var failure = (await vm.Machine())!["status"]!["startFailure"]!;
        Assert.Equal(1, (int?)failure["consecutiveFailCount"]);
        Assert.NotNull(failure["retryAfterTimestamp"]);

        await vm.Patch("""{"spec":{"template":{"spec":{"domain":{"firmware":{"kernelBoot":{"container":{"kernelPath":"/boot/vmlinuz"}}}}}}}}""");
        await vm.Runs();
        await Eventually.Get("the failures are forgotten", vm.Machine, m => m?["status"]?["startFailure"] is null);
        await vm.Delete();
    }

    [Fact]
    public async Task A_guest_whose_QEMU_dies_is_replaced_at_once()
    {
        var vm = await Create("killed", "runStrategy: Always");
        var first = await vm.Runs();
        Process.GetProcessById(Assert.Single(TroupeCluster.QemuOf(first))).Kill();
        await vm.Runs(otherThan: first);
        Assert.Null((await vm.Machine())!["status"]!["startFailure"]);
        await vm.Delete();
    }

    [Fact]
    public async Task A_change_that_a_running_guest_cannot_take_waits_for_a_restart()
    {
        var vm = await Create("changed", "runStrategy: Always");
        var first = await vm.Runs();
        await vm.Patch("""{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":2}}}}}}""");
        var condition = await Eventually.Get("RestartRequired", () => vm.Condition("RestartRequired"), c => (string?)c?["status"] == "True");
        Assert.Equal("a non-live-updatable field was changed in the template spec", (string?)condition!["message"]);
        Assert.Equal(first, await vm.InstanceUid());

        (await vm.Command("restart", """{"gracePeriodSeconds":0}""", "--force", "--grace-period=0")).Require();
        await vm.Runs(otherThan: first);
        Assert.Equal(2, (int?)(await vm.Instance())!["spec"]!["domain"]!["cpu"]!["cores"]);
        await Eventually.Get("no RestartRequired", () => vm.Condition("RestartRequired"), c => c is null);
        var uuid = (string?)(await vm.Instance())!["spec"]!["domain"]!["firmware"]!["uuid"];
        Assert.Equal((string?)(await vm.Machine())!["spec"]!["template"]!["spec"]!["domain"]!["firmware"]!["uuid"], uuid);
        await vm.Delete();
    }

    [Fact]
    public async Task A_forced_stop_does_not_wait_for_a_guest_that_ignores_the_power_button()
    {
        (await Cluster.Apply(MachineManifests.Of("deaf", "runStrategy: Always").Replace("terminationGracePeriodSeconds: 2", "terminationGracePeriodSeconds: 600", StringComparison.Ordinal))).Require();
        var vm = new MachineDriver(Cluster, "deaf");
        var uid = await vm.Runs();
        // Not booted as far as acpid yet, or deaf: the same to the one who pulls the plug.
        (await vm.Command("stop", """{"gracePeriod":0}""", "--force", "--grace-period=0")).Require();
        await vm.Stops();
        Assert.Empty(TroupeCluster.QemuOf(uid));
        await vm.Delete();
    }

    [Fact]
    public async Task A_machine_deleted_without_its_dependents_leaves_its_guest_running()
    {
        var vm = await Create("orphaned", "runStrategy: Always");
        var uid = await vm.Runs();
        (await Cluster.Kubectl("delete", "vm", "orphaned", "--cascade=orphan", "--timeout=60s")).Require();
        Assert.Single(TroupeCluster.QemuOf(uid));
        var instance = await vm.Instance();
        Assert.Null(instance!["metadata"]!["deletionTimestamp"]);
        Assert.Empty(instance["metadata"]!["ownerReferences"]?.AsArray() ?? []);
        (await Cluster.Kubectl("delete", "vmi", "orphaned", "--timeout=60s")).Require();
        Assert.Empty(TroupeCluster.QemuOf(uid));
    }

    [Fact]
    public async Task A_machine_whose_instance_is_deleted_by_hand_makes_another()
    {
        var vm = await Create("insistent", "runStrategy: Always");
        var first = await vm.Runs();
        (await Cluster.Kubectl("delete", "vmi", "insistent", "--timeout=60s")).Require();
        await vm.Runs(otherThan: first);
        await vm.Delete();
    }

    private async Task<MachineDriver> Create(string name, string running, string kernel = "/boot/vmlinuz")
    {
        (await Cluster.Apply(MachineManifests.Of(name, running, kernel))).Require();
        return new MachineDriver(Cluster, name);
    }
}
