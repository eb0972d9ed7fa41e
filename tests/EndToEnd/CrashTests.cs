using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>kill -9 of every part while a guest runs: the guest must not notice, and what is asked afterwards must still be done.</summary>
[Trait("Category", "Real")]
public sealed class CrashTests(OwnCluster own) : IClassFixture<OwnCluster>
{
    private TroupeCluster Cluster => own.Cluster;

    [Theory]
    [InlineData(Part.ControlPlane)]
    [InlineData(Part.NodeAgent1)]
    [InlineData(Part.DevCluster)]
    public async Task Killing_a_part_leaves_the_guest_running_and_the_VMI_manageable(Part part)
    {
        var name = $"survivor-{part}".ToLowerInvariant();
        (await Cluster.Apply(Manifests.Demo(name, node: "node-1"))).Require();
        var vmi = await Cluster.Phase(name, "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var qemu = Assert.Single(TroupeCluster.QemuOf(uid));

        await Cluster.KillAsync(part);
        Assert.Equal([qemu], TroupeCluster.QemuOf(uid));
        Cluster.Start(part);
        await TroupeCluster.Eventually("the API server again", () => Cluster.KubectlSucceeds("get", "vmi", name));

        await TroupeCluster.Eventually("the console again", async () =>
        {
            await using var console = new ConsoleSession(Cluster, name);
            try
            {
                await console.LogIn(within: TimeSpan.FromSeconds(30));
                return true;
            }
            catch (Exception e) when (e is TimeoutException or IOException)
            {
                return false;
            }
        });
        Assert.Equal([qemu], TroupeCluster.QemuOf(uid));
        Assert.Equal("Running", (string?)(await Cluster.Get("vmi", name))?["status"]?["phase"]);

        (await Cluster.Kubectl("delete", "vmi", name, "--timeout=60s")).Require();
        Assert.Empty(TroupeCluster.QemuOf(uid));
    }

    [Fact]
    public async Task A_dead_QEMU_fails_the_VMI_and_the_status_says_why()
    {
        (await Cluster.Apply(Manifests.Demo("qemu-dies"))).Require();
        var vmi = await Cluster.Phase("qemu-dies", "Running");
        Process.GetProcessById(Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!))).Kill();

        await Cluster.Phase("qemu-dies", "Failed");
        var events = (await Cluster.Kubectl("get", "events", "--field-selector", "involvedObject.name=qemu-dies", "-o", "json")).Require();
        Assert.Contains(JsonNode.Parse(events)!["items"]!.AsArray(), e => (string?)e!["message"] is { } m && m.Contains("crashed", StringComparison.OrdinalIgnoreCase));
        (await Cluster.Kubectl("delete", "vmi", "qemu-dies", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_dead_launcher_takes_its_guest_with_it_and_the_VMI_fails()
    {
        (await Cluster.Apply(Manifests.Demo("launcher-dies"))).Require();
        var vmi = await Cluster.Phase("launcher-dies", "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;
        var launcher = Process.GetProcessesByName("virt-launcher")
            .Single(p => File.ReadAllText($"/proc/{p.Id}/cmdline").Contains(uid, StringComparison.Ordinal));
        launcher.Kill();

        await Cluster.Phase("launcher-dies", "Failed");
        await Eventually.True("QEMU ends with its launcher", () => Task.FromResult(TroupeCluster.QemuOf(uid).Count == 0));
        (await Cluster.Kubectl("delete", "vmi", "launcher-dies", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task Deleting_a_VMI_while_the_control_plane_is_down_is_done_when_it_is_back()
    {
        (await Cluster.Apply(Manifests.Demo("deleted-meanwhile"))).Require();
        var vmi = await Cluster.Phase("deleted-meanwhile", "Running");
        await Cluster.KillAsync(Part.ControlPlane);
        (await Cluster.Kubectl("delete", "vmi", "deleted-meanwhile", "--wait=false")).Require();
        Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));

        Cluster.Start(Part.ControlPlane);
        await TroupeCluster.Eventually("the VMI is gone", async () => await Cluster.Get("vmi", "deleted-meanwhile") is null);
        Assert.Empty(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));
    }
}
