using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Guests that are moved because only another pod has what they are to get: a launcher of today, a network.</summary>
[Trait("Category", "Real")]
public sealed class WorkloadUpdateTests(OwnCluster own) : IClassFixture<OwnCluster>
{
    private const string Moving = """{"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":["LiveMigrate"]}}}""";
    private const string Next = "registry.troupe.local/virt-launcher:next";

    private TroupeCluster Cluster => own.Cluster;

    [Fact]
    public async Task After_an_upgrade_a_guest_moves_into_a_launcher_of_the_new_image_by_itself()
    {
        (await Cluster.Apply(Moving)).Require();
        (await Cluster.Apply(Manifests.Demo("veteran"))).Require();
        var before = (await Cluster.Phase("veteran", "Running"))["status"]!;
        Assert.Equal(Cluster.LauncherImage, (string?)before["launcherContainerImageVersion"]);
        var boot = await GuestPage.BootIdAsync(Cluster, "veteran");

        ImageVariant.Make(Path.Combine(TroupeCluster.DevDirectory, "images/virt-launcher"), Path.Combine(Cluster.ImageStore, "virt-launcher-next"), Next);
        await Cluster.KillAsync(Part.ControlPlane);
        Cluster.LauncherImage = Next;
        Cluster.Start(Part.ControlPlane);

        var after = await Eventually.Get("the guest runs in the new launcher", () => Cluster.Get("vmi", "veteran"), o => (string?)o?["status"]?["launcherContainerImageVersion"] == Next
            && o["metadata"]!["labels"]?["kubevirt.io/outdatedLauncherImage"] is null && (bool?)o["status"]!["migrationState"]?["completed"] is true, TimeSpan.FromSeconds(180));
        Assert.NotEqual((string?)before["nodeName"], (string?)after!["status"]!["nodeName"]);
        Assert.Equal(boot, await GuestPage.BootIdAsync(Cluster, "veteran"));
        var migration = Assert.Single(JsonNode.Parse((await Cluster.Kubectl("get", "vmim", "-o", "json")).Require())!["items"]!.AsArray(), m => (string?)m!["spec"]!["vmiName"] == "veteran");
        Assert.StartsWith("kubevirt-workload-update-", (string?)migration!["metadata"]!["name"], StringComparison.Ordinal);
        Assert.Equal("system-critical", (string?)migration["spec"]!["priority"]);
        await Eventually.Get("nobody is outdated any more", () => Cluster.Get("kubevirt", "kubevirt"), k => (int?)k?["status"]?["outdatedVirtualMachineInstanceWorkloads"] == 0);
        (await Cluster.Kubectl("delete", "vmi", "veteran", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_NIC_that_nobody_attaches_to_the_running_pod_comes_by_a_migration()
    {
        (await Cluster.Apply(Moving)).Require();
        (await Cluster.Apply(MachineManifests.Of("wired", "runStrategy: Always"))).Require();
        var machine = new MachineDriver(Cluster, "wired");
        var uid = await machine.Runs();
        var before = (string?)(await machine.Instance())!["status"]!["nodeName"];
        // Multus is there, and its dynamic networks controller is not.
        (await Cluster.Kubectl("annotate", "pod", "-l", $"kubevirt.io/created-by={uid}", "k8s.v1.cni.cncf.io/network-status=[]")).Require();
        await machine.Patch("""{"spec":{"template":{"spec":{"networks":[{"name":"default","pod":{} },{"name":"lan","multus":{"networkName":"blue"} }],"domain":{"devices":{"interfaces":[{"name":"default","masquerade":{} },{"name":"lan","bridge":{} }]} } } } } }""");
        await Eventually.Get("it is known that another pod may be needed", machine.Instance, i => Required(i)?["status"] is not null);
        await Eventually.Get("the guest has moved", machine.Instance, i => (bool?)i?["status"]?["migrationState"]?["completed"] is true && (string?)i["status"]!["nodeName"] != before, TimeSpan.FromSeconds(180));
        await Eventually.True("one QEMU is left", () => Task.FromResult(TroupeCluster.QemuOf(uid).Count == 1));

        await using var multus = new DynamicNetworks(Cluster, uid, TroupeCluster.QemuOf(uid)[0]);
        var device = await multus.AttachAsync("blue");
        var plugged = await Eventually.Get("the guest has the NIC", machine.Instance, i => Lan(i)?["infoSource"] is { } source && ((string)source!).Contains("domain", StringComparison.Ordinal));
        Assert.Equal(device, (string?)Lan(plugged)!["podInterfaceName"]);
        await using (var console = new ConsoleSession(Cluster, "wired"))
        {
            await console.LogIn("root");
            await console.Run("until [ -e /sys/class/net/eth1 ] && ip -4 address show dev eth1 | grep -q 198.51.100.2/24; do sleep 1; done");
            Assert.Contains("1 packets received", await console.Run($"ping -c1 -w10 {DynamicNetworks.PeerAddress}"));
        }

        await Eventually.Get("no other pod is needed", machine.Instance, i => Required(i) is null);
        Assert.Equal(uid, await machine.InstanceUid());
        Assert.Null(await machine.Condition("RestartRequired"));
        await machine.Delete();

        static JsonNode? Required(JsonNode? instance) => instance?["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == "MigrationRequired");
        static JsonNode? Lan(JsonNode? instance) => instance?["status"]?["interfaces"]?.AsArray().FirstOrDefault(i => (string?)i!["name"] == "lan");
    }
}
