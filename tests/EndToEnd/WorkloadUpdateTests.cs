using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>An upgrade of Troupe under running guests, and a namespace without room for a second launcher.</summary>
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

    [Fact]
    public async Task A_migration_that_its_namespaces_quota_has_no_room_for_says_so_and_goes_on_when_there_is()
    {
        (await Cluster.Kubectl("create", "namespace", "narrow")).Require();
        (await Cluster.Apply(In(Manifests.Demo("tenant")))).Require();
        await Eventually.Get("the guest runs", () => Narrow("vmi", "tenant"), o => (string?)o?["status"]?["phase"] == "Running", TimeSpan.FromSeconds(120));
        (await Cluster.Kubectl("create", "quota", "one-pod", "-n", "narrow", "--hard=pods=1")).Require();
        await Eventually.Get("the quota is counted", () => Narrow("quota", "one-pod"), q => (string?)q?["status"]?["used"]?["pods"] == "1");

        (await Cluster.Apply(In(Manifests.Migration("moving-out", "tenant")))).Require();
        var waiting = await Eventually.Get("the migration is refused for now", () => Narrow("vmim", "moving-out"),
            m => m?["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "migrationRejectedByResourceQuota" && (string?)c["status"] == "True") is true);
        Assert.Equal("Pending", (string?)waiting!["status"]!["phase"]);

        (await Cluster.Kubectl("delete", "quota", "one-pod", "-n", "narrow")).Require();
        var done = await Eventually.Get("the migration has succeeded", () => Narrow("vmim", "moving-out"), m => (string?)m?["status"]?["phase"] is "Succeeded" or "Failed", TimeSpan.FromSeconds(120));
        Assert.Equal("Succeeded", (string?)done!["status"]!["phase"]);
        Assert.DoesNotContain(done["status"]!["conditions"]?.AsArray() ?? [], c => (string?)c!["type"] == "migrationRejectedByResourceQuota");
        (await Cluster.Kubectl("delete", "namespace", "narrow", "--timeout=90s")).Require();
    }

    private static string In(string manifest) => manifest.Replace("metadata:\n", "metadata:\n  namespace: narrow\n", StringComparison.Ordinal).Replace("metadata: {", "metadata: {namespace: narrow, ", StringComparison.Ordinal);

    private async Task<JsonNode?> Narrow(string resource, string name)
    {
        var result = await Cluster.Kubectl("get", resource, name, "-n", "narrow", "-o", "json", "--ignore-not-found");
        return result.ExitCode == 0 && result.Output.Length > 0 ? JsonNode.Parse(result.Output) : null;
    }
}
