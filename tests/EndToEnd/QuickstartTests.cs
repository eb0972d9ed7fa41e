using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>What the README promises, typed as the README says.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class QuickstartTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task The_demo_manifest_becomes_a_guest_that_one_can_log_in_to_and_delete_without_a_trace()
    {
        var manifest = Path.Combine(TroupeCluster.RepositoryRoot(), "deploy/examples/vmi-demo.yaml");
        (await Cluster.Kubectl("apply", "-f", manifest)).Require();
        var vmi = await Cluster.Phase("demo", "Running");
        var uid = (string)vmi["metadata"]!["uid"]!;

        await using (var console = new ConsoleSession(Cluster, "demo"))
        {
            await console.LogIn();
            // The prompt may come before DHCP has given the guest its address.
            var ping = await console.Run("until ping -c 1 -W 2 10.0.2.1; do sleep 1; done");
            Assert.Contains("1 packets received", ping);
        }

        await Eventually.True("the guest agent connects", async () => HasCondition(await Cluster.Get("vmi", "demo"), "AgentConnected"));
        var table = (await Cluster.Kubectl("get", "vmi", "demo")).Require();
        Assert.Matches(@"NAME\s+AGE\s+PHASE\s+IP\s+NODENAME\s+READY", table);
        Assert.Matches(@"demo\s+\S+\s+Running\s+10\.\S+\s+node-\d\s+True", table);

        (await Cluster.Kubectl("delete", "vmi", "demo", "--timeout=60s")).Require();
        Assert.Null(await Cluster.Get("vmi", "demo"));
        await Eventually.Get("pods of the demo", async () => (await Cluster.Kubectl("get", "pods", "-o", "name")).Output, o => o.Length == 0);
        Assert.Empty(TroupeCluster.QemuOf(uid));
    }

    [Fact]
    public async Task A_guest_that_powers_itself_off_ends_as_Succeeded()
    {
        (await Cluster.Apply(Manifests.Demo("poweroff"))).Require();
        await Cluster.Phase("poweroff", "Running");
        await using (var console = new ConsoleSession(Cluster, "poweroff"))
        {
            await console.LogIn("root");
            await console.Send("poweroff\n");
            await Cluster.Phase("poweroff", "Succeeded");
        }

        (await Cluster.Kubectl("delete", "vmi", "poweroff", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task An_unknown_image_keeps_the_VMI_waiting_and_its_condition_says_why()
    {
        (await Cluster.Apply(Manifests.Demo("noimage", image: "registry.troupe.local/nothing-here:latest"))).Require();
        var vmi = await Eventually.Get("a Synchronized=False condition", () => Cluster.Get("vmi", "noimage"),
            o => o?["status"]?["conditions"]?.AsArray().Any(c => (string?)c?["type"] == "Synchronized" && (string?)c["status"] == "False") is true);
        var condition = vmi!["status"]!["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "Synchronized")!;
        Assert.Contains((string?)condition["reason"], new[] { "ErrImagePull", "ImagePullBackOff" });
        Assert.Contains("nothing-here", (string?)condition["message"]);
        (await Cluster.Kubectl("delete", "vmi", "noimage", "--timeout=60s")).Require();
    }

    internal static bool HasCondition(JsonNode? vmi, string type) =>
        vmi?["status"]?["conditions"]?.AsArray().Any(c => (string?)c?["type"] == type && (string?)c["status"] == "True") is true;
}
