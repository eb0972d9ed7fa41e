using System.Diagnostics;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Each run strategy with a real guest: what starts it, what its end means, and what start, stop and restart do.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class RunStrategyTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task Always_brings_a_guest_back_that_powers_itself_off_until_it_is_stopped()
    {
        var vm = await Create("always", "runStrategy: Always");
        var first = await vm.Runs();
        Assert.Equal("True", (string?)(await vm.Condition("Ready"))?["status"]);
        Assert.Contains("VM is already running", (await vm.Raw("start")).Error);

        await vm.PowerOffInside();
        var second = await vm.Runs(otherThan: first);
        Assert.Empty(TroupeCluster.QemuOf(first));

        (await vm.Command("stop")).Require();
        await vm.Stops();
        Assert.Equal("Halted", (string?)(await vm.Machine())?["spec"]?["runStrategy"]);

        (await vm.Command("start")).Require();
        var third = await vm.Runs(otherThan: second);
        Assert.Equal("Always", (string?)(await vm.Machine())?["spec"]?["runStrategy"]);

        await vm.Delete();
        Assert.Null(await vm.Instance());
        Assert.Empty(TroupeCluster.QemuOf(third));
        await Eventually.Get("pods and revisions of the machine", async () =>
            (await Cluster.Kubectl("get", "pods,controllerrevisions", "-o", "name")).Output.Split('\n').Count(l => l.Contains("always", StringComparison.Ordinal)), left => left == 0);
    }

    [Fact]
    public async Task Manual_does_what_is_asked_and_nothing_else()
    {
        var vm = await Create("manual", "runStrategy: Manual");
        await vm.Becomes("Stopped");
        Assert.Contains("VM is not running", (await vm.Raw("stop")).Error);

        (await vm.Command("start")).Require();
        var first = await vm.Runs();
        (await vm.Command("restart")).Require();
        var second = await vm.Runs(otherThan: first);

        await vm.PowerOffInside();
        await vm.Becomes("Stopped");
        Assert.Equal(second, await vm.InstanceUid());

        (await vm.Command("start")).Require();
        await vm.Runs(otherThan: second);
        (await vm.Command("stop")).Require();
        await vm.Stops();
        Assert.Equal("Manual", (string?)(await vm.Machine())?["spec"]?["runStrategy"]);
        await vm.Delete();
    }

    [Fact]
    public async Task RerunOnFailure_replaces_a_crashed_guest_but_not_one_that_was_shut_down()
    {
        var vm = await Create("rerun", "runStrategy: RerunOnFailure");
        var first = await vm.Runs();
        Process.GetProcessById(Assert.Single(TroupeCluster.QemuOf(first))).Kill();
        var second = await vm.Runs(otherThan: first);

        await vm.PowerOffInside();
        await vm.Stops();
        (await vm.Command("start")).Require();
        await vm.Runs(otherThan: second);
        (await vm.Command("stop")).Require();
        await vm.Stops();
        await vm.Delete();
    }

    [Fact]
    public async Task Once_runs_once()
    {
        var vm = await Create("once", "runStrategy: Once");
        var only = await vm.Runs();
        Assert.Contains("does not support manual restart requests", (await vm.Raw("restart")).Error);
        await vm.PowerOffInside();
        await vm.Becomes("Stopped");
        Assert.Equal(only, await vm.InstanceUid());
        Assert.Contains("Once does not support manual start requests", (await vm.Raw("start")).Error);
        await vm.Delete();
        Assert.Null(await vm.Instance());
    }

    [Fact]
    public async Task Halted_starts_when_it_is_told_to_also_with_its_guest_paused()
    {
        var vm = await Create("halted", "runStrategy: Halted");
        await vm.Becomes("Stopped");
        Assert.Equal("VMINotExists", (string?)(await vm.Condition("Ready"))?["reason"]);
        Assert.Contains("VM is not running", (await vm.Raw("stop")).Error);
        Assert.Contains("Halted does not support manual restart requests", (await vm.Raw("restart")).Error);

        (await vm.Command("start", """{"paused":true}""", "--paused")).Require();
        await vm.Becomes("Paused");
        (await vm.Raw("unpause", resource: "virtualmachineinstances")).Require();
        await vm.Runs();

        await vm.Patch("""{"spec":{"runStrategy":"Halted"}}""");
        await vm.Stops();
        await vm.Delete();
    }

    [Fact]
    public async Task The_old_field_running_starts_and_stops_a_machine_too()
    {
        var created = await Cluster.Apply(MachineManifests.Of("legacy", "running: true"));
        created.Require();
        Assert.Contains("spec.running is deprecated", created.Error);
        var vm = new MachineDriver(Cluster, "legacy");
        var first = await vm.Runs();
        (await vm.Command("stop")).Require();
        await vm.Stops();
        Assert.False((bool?)(await vm.Machine())?["spec"]?["running"]);
        await vm.Patch("""{"spec":{"running":true}}""");
        await vm.Runs(otherThan: first);
        await vm.Delete();
    }

    private async Task<MachineDriver> Create(string name, string running)
    {
        (await Cluster.Apply(MachineManifests.Of(name, running))).Require();
        return new MachineDriver(Cluster, name);
    }
}
