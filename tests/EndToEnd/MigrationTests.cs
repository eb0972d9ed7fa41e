using System.Diagnostics;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Real guests that move between two nodes.</summary>
[Trait("Category", "Real")]
public sealed class MigrationTests(OwnCluster own, ITestOutputHelper output) : IClassFixture<OwnCluster>
{
    private TroupeCluster Cluster => own.Cluster;

    [Fact]
    public async Task A_guest_moves_to_the_other_node_and_back_without_noticing()
    {
        (await Cluster.Apply(Manifests.Demo("mover"))).Require();
        var vmi = await Cluster.Phase("mover", "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var home = (string)vmi["status"]!["nodeName"]!;
        var boot = await BootIdAsync("mover");

        var there = await MigrateAsync("mover", "mover-away");
        Assert.NotEqual(home, there);
        Assert.Equal(boot, await BootIdAsync("mover"));
        Assert.Single(TroupeCluster.QemuOf(uid));

        Assert.Equal(home, await MigrateAsync("mover", "mover-home"));
        Assert.Equal(boot, await BootIdAsync("mover"));
        Assert.Single(TroupeCluster.QemuOf(uid));

        (await Cluster.Kubectl("delete", "vmi", "mover", "--timeout=60s")).Require();
        Assert.Empty(TroupeCluster.QemuOf(uid));
        await PodsAsync(uid, 0);
    }

    [Fact]
    public async Task TCP_sessions_go_on_while_their_guest_moves_there_and_back()
    {
        (await Cluster.Apply(Manifests.Demo("talker"))).Require();
        await Cluster.Phase("talker", "Running");
        await using (var console = new ConsoleSession(Cluster, "talker"))
        {
            await console.LogIn("root");
            await console.Run("until ping -c 1 -W 2 10.0.2.1; do sleep 1; done");
            await console.Run("(nc -ll -p 7 -e cat >/dev/null 2>&1 &)");
            await console.Run("(nc -ll -p 8 -e heartbeat 20 >/dev/null 2>&1 &)");
        }

        var address = (string)(await Cluster.Get("vmi", "talker"))!["status"]!["interfaces"]![0]!["ipAddress"]!;
        await using var session = await EchoSession.OpenAsync(address, 7);
        await using var listener = await ListeningSession.OpenAsync(address, 8);
        await session.MovesOnAsync();
        await listener.MovesOnAsync();
        for (var i = 0; i < 2; i++)
        {
            await MigrateAsync("talker", $"talker-{i}");
            await session.MovesOnAsync();
            await listener.MovesOnAsync();
        }

        await session.FinishAsync();
        output.WriteLine($"{session.Echoed} lines, none lost; the longest silence was {session.LongestGap.TotalMilliseconds:0} ms");
        (await Cluster.Kubectl("delete", "vmi", "talker", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_policy_lets_a_guest_that_writes_faster_than_it_is_sent_arrive_by_post_copy()
    {
        (await Cluster.Apply("""
            apiVersion: migrations.kubevirt.io/v1alpha1
            kind: MigrationPolicy
            metadata: {name: eager}
            spec:
              selectors: {virtualMachineInstanceSelector: {writes: much}}
              allowPostCopy: true
              bandwidthPerMigration: 16Mi
              completionTimeoutPerGiB: 4
            """)).Require();
        (await Cluster.Apply(Manifests.Demo("writer"))).Require();
        (await Cluster.Kubectl("label", "vmi", "writer", "writes=much")).Require();
        var vmi = await Cluster.Phase("writer", "Running");
        var (uid, home) = ((string)vmi["metadata"]!["uid"]!, (string)vmi["status"]!["nodeName"]!);
        await BootIdAsync("writer");
        await using (var console = new ConsoleSession(Cluster, "writer"))
        {
            await console.LogIn("root");
            await console.Run("dirty 32 40");
        }

        var there = await MigrateAsync("writer", "writer-away");
        Assert.NotEqual(home, there);
        var state = (await Cluster.Get("vmi", "writer"))!["status"]!["migrationState"]!;
        Assert.Equal(("PostCopy", "eager", true), ((string?)state["mode"], (string?)state["migrationPolicyName"], (bool?)state["migrationConfiguration"]!["allowPostCopy"]));
        Assert.Single(TroupeCluster.QemuOf(uid));
        await PodsAsync(uid, 1);
        (await Cluster.Kubectl("delete", "vmi", "writer", "--timeout=60s")).Require();
        (await Cluster.Kubectl("delete", "migrationpolicy", "eager")).Require();
    }

    [Fact]
    public async Task A_cancelled_migration_leaves_the_guest_where_it_is_and_nothing_on_the_target()
    {
        (await Cluster.Apply(Manifests.Demo("stayer"))).Require();
        var vmi = await Cluster.Phase("stayer", "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var home = (string)vmi["status"]!["nodeName"]!;
        var qemu = Assert.Single(TroupeCluster.QemuOf(uid));

        (await Cluster.Apply(Manifests.Migration("stayer-away", "stayer"))).Require();
        await TargetPodAsync("stayer-away", "name");
        (await Cluster.Kubectl("delete", "vmim", "stayer-away", "--timeout=60s")).Require();

        await PodsAsync(uid, 1);
        Assert.Equal([qemu], TroupeCluster.QemuOf(uid));
        Assert.Equal(home, (string?)(await Cluster.Get("vmi", "stayer"))?["status"]?["nodeName"]);
        (await Cluster.Kubectl("delete", "vmi", "stayer", "--timeout=60s")).Require();
    }

    [Theory]
    [InlineData(Part.ControlPlane)]
    [InlineData(Part.NodeAgent1)]
    public async Task Killing_a_part_in_mid_migration_does_not_break_it(Part part)
    {
        var name = $"moving-{part}".ToLowerInvariant();
        (await Cluster.Apply(Manifests.Demo(name))).Require();
        var vmi = await Cluster.Phase(name, "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var home = (string)vmi["status"]!["nodeName"]!;
        var boot = await BootIdAsync(name);

        (await Cluster.Apply(Manifests.Migration($"{name}-away", name))).Require();
        await TargetPodAsync($"{name}-away", "jsonpath={.items[?(@.status.phase==\"Running\")].metadata.name}");
        await Cluster.KillAsync(part);
        Cluster.Start(part);

        await Cluster.MigrationPhase($"{name}-away", "Succeeded");
        Assert.NotEqual(home, await NodeAfterMigrationAsync(name));
        Assert.Equal(boot, await BootIdAsync(name));
        Assert.Single(TroupeCluster.QemuOf(uid));
        (await Cluster.Kubectl("delete", "vmi", name, "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_guest_whose_source_launcher_dies_in_the_handover_lives_on_at_the_target()
    {
        (await Cluster.Apply(Manifests.Demo("orphan"))).Require();
        var vmi = await Cluster.Phase("orphan", "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var home = (string)vmi["status"]!["nodeName"]!;
        var boot = await BootIdAsync("orphan");
        var launcher = Process.GetProcessesByName("virt-launcher").Single(p => File.ReadAllText($"/proc/{p.Id}/cmdline").Contains(uid, StringComparison.Ordinal));
        var qemu = Assert.Single(TroupeCluster.QemuOf(uid));

        (await Cluster.Apply(Manifests.Migration("orphan-away", "orphan"))).Require();
        // The source ends its QEMU when the target has the guest whole, and then passes the right on, which takes it a moment: not long enough for anything but watching.
        await Task.Factory.StartNew(() => SpinWait.SpinUntil(() => HasEnded(qemu), TimeSpan.FromMinutes(2)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        launcher.Kill();

        await Cluster.MigrationPhase("orphan-away", "Succeeded");
        Assert.NotEqual(home, await NodeAfterMigrationAsync("orphan"));
        Assert.Equal(boot, await BootIdAsync("orphan"));
        Assert.Single(TroupeCluster.QemuOf(uid));
        await PodsAsync(uid, 1);
        (await Cluster.Kubectl("delete", "vmi", "orphan", "--timeout=60s")).Require();
    }

    /// <summary>Also before its parent has taken note.</summary>
    private static bool HasEnded(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Those that the guest has left stay, completed.</summary>
    private Task PodsAsync(string vmiUid, int count) => Eventually.Get($"{count} pods of the VMI",
        async () => (await Cluster.Kubectl("get", "pods", "-l", $"kubevirt.io/created-by={vmiUid}", "--field-selector=status.phase!=Succeeded", "-o", "name")).Output, o => o.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == count);

    /// <summary>A short migration's phases are written when it is over; its pod is there before.</summary>
    private async Task TargetPodAsync(string migration, string output)
    {
        var uid = (string)(await Cluster.Get("vmim", migration))!["metadata"]!["uid"]!;
        await Eventually.Get("the target pod", async () => (await Cluster.Kubectl("get", "pods", "-l", $"kubevirt.io/migrationJobUID={uid}", "-o", output)).Output, o => o.Trim().Length > 0);
    }

    private Task<string> BootIdAsync(string vmi) => GuestPage.BootIdAsync(Cluster, vmi);

    /// <returns>The node that the guest runs on then.</returns>
    private async Task<string> MigrateAsync(string vmi, string name)
    {
        (await Cluster.Apply(Manifests.Migration(name, vmi))).Require();
        await Cluster.MigrationPhase(name, "Succeeded");
        return await NodeAfterMigrationAsync(vmi);
    }

    /// <summary>Two objects tell of one move, and the VMI's own status may be the later one.</summary>
    private async Task<string> NodeAfterMigrationAsync(string vmi)
    {
        var state = (await Eventually.Get("the VMI tells of its migration", () => Cluster.Get("vmi", vmi), o => (bool?)o?["status"]?["migrationState"]?["completed"] is true))!["status"]!;
        Assert.Equal((string?)state["migrationState"]!["targetNode"], (string?)state["nodeName"]);
        return (string)state["nodeName"]!;
    }
}
