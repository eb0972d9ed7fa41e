using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>An upgrade of Troupe under running guests.</summary>
[Trait("Category", "Real")]
public sealed class WorkloadUpdateTests(OwnCluster own) : IClassFixture<OwnCluster>
{
    private const string Next = "registry.troupe.local/virt-launcher:next";

    private TroupeCluster Cluster => own.Cluster;

    [Fact]
    public async Task After_an_upgrade_a_guest_moves_into_a_launcher_of_the_new_image_by_itself()
    {
        (await Cluster.Apply("""{"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":["LiveMigrate"]}}}""")).Require();
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
}
