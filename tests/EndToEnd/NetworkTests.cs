using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class NetworkTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task A_bridged_guest_has_the_pods_own_address_and_is_reached_by_it()
    {
        (await Cluster.Apply(Manifests.Demo("bridged").Replace("masquerade: {}", "bridge: {}", StringComparison.Ordinal))).Require();
        var vmi = await Cluster.Phase("bridged", "Running");
        var nic = vmi["status"]!["interfaces"]![0]!;
        var (address, mac) = ((string)nic["ipAddress"]!, (string)nic["mac"]!);
        // Over the network, by the pod's address.
        await GuestPage.BootIdAsync(Cluster, "bridged");
        await using (var console = new ConsoleSession(Cluster, "bridged"))
        {
            await console.LogIn();
            var shown = await console.Run("ip address show dev eth0");
            Assert.Contains(mac, shown);
            Assert.Contains($"inet {address}/24", shown);
            Assert.Contains("1 packets received", await console.Run("ping -c1 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')"));
        }

        Assert.Contains(address, (await Cluster.Kubectl("get", "pods", "-o", "jsonpath={.items[*].status.podIP}")).Require());
        var stuck = await Eventually.Get("it is known that it cannot move", () => Cluster.Get("vmi", "bridged"),
            o => o?["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "LiveMigratable" && (string?)c["status"] == "False") is true);
        Assert.Contains("InterfaceNotLiveMigratable", stuck!["status"]!["conditions"]!.AsArray().Select(c => (string?)c!["reason"]));
        (await Cluster.Kubectl("delete", "vmi", "bridged", "--timeout=60s")).Require();
    }
}
