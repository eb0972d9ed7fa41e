using System.Text.Json.Nodes;
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

    [Fact]
    public async Task A_guest_behind_passt_has_the_pods_own_address_is_reached_by_it_and_may_be_moved()
    {
        (await Cluster.Apply(Manifests.Demo("passt").Replace("masquerade: {}", "passtBinding: {}", StringComparison.Ordinal))).Require();
        var vmi = await Cluster.Phase("passt", "Running");
        var address = (string)vmi["status"]!["interfaces"]![0]!["ipAddress"]!;
        await GuestPage.BootIdAsync(Cluster, "passt");
        await using (var console = new ConsoleSession(Cluster, "passt"))
        {
            await console.LogIn();
            Assert.Contains($"inet {address}/24", await console.Run("ip address show dev eth0"));
            Assert.Contains("1 packets received", await console.Run("ping -c1 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')"));
        }

        await Eventually.Get("it is known that it can move", () => Cluster.Get("vmi", "passt"),
            o => o?["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "LiveMigratable" && (string?)c["status"] == "True") is true);
        (await Cluster.Kubectl("delete", "vmi", "passt", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_NIC_on_a_second_network_is_plugged_into_a_running_guest_unplugged_and_plugged_again()
    {
        (await Cluster.Apply(MachineManifests.Of("wired", "runStrategy: Always"))).Require();
        var machine = new MachineDriver(Cluster, "wired");
        var uid = await machine.Runs();
        var qemu = Assert.Single(TroupeCluster.QemuOf(uid));
        await using var multus = new DynamicNetworks(Cluster, uid, qemu);
        await using var console = new ConsoleSession(Cluster, "wired");
        await console.LogIn("root");
        var guest = """{"name":"default","masquerade":{}}""";
        for (var round = 0; round < 2; round++)
        {
            await machine.Patch($$"""{"spec":{"template":{"spec":{"networks":[{"name":"default","pod":{} },{"name":"lan","multus":{"networkName":"blue"} }],"domain":{"devices":{"interfaces":[{{guest}},{"name":"lan","bridge":{} }]} } } } } }""");
            var device = await multus.AttachAsync("blue");
            var plugged = await Eventually.Get("the guest has the NIC", machine.Instance, i => Lan(i)?["infoSource"] is { } source && ((string)source!).Contains("domain", StringComparison.Ordinal));
            Assert.Equal(device, (string?)Lan(plugged)!["podInterfaceName"]);
            Assert.Contains("multus-status", (string?)Lan(plugged)!["infoSource"]);
            // By DHCP the pod's address on that network becomes the guest's. It asks by itself for a device that it sees for the first time.
            if (round > 0)
                await console.Run("until [ -e /sys/class/net/eth1 ]; do sleep 1; done; ip link set eth1 up; udhcpc -n -q -i eth1 -s /etc/init.d/dhcp >/dev/null 2>&1");
            await console.Run("until [ -e /sys/class/net/eth1 ] && ip -4 address show dev eth1 | grep -q 198.51.100.2/24; do sleep 1; done");
            Assert.Contains((string)Lan(plugged)!["mac"]!, await console.Run("cat /sys/class/net/eth1/address"));
            Assert.Contains("1 packets received", await console.Run($"ping -c1 -w10 {DynamicNetworks.PeerAddress}"));

            if (round == 0)
            {
                await State("down");
                await console.Run("until [ $(cat /sys/class/net/eth1/carrier) = 0 ]; do sleep 1; done");
                await State("up");
                await console.Run("until [ $(cat /sys/class/net/eth1/carrier) = 1 ]; do sleep 1; done");
            }

            await State("absent");
            await console.Run("while [ -e /sys/class/net/eth1 ]; do sleep 1; done");
            await multus.DetachAsync("blue", device);
            var rid = await Eventually.Get("nothing is left of it in the machine", machine.Machine, m => m!["spec"]!["template"]!["spec"]!["networks"]!.AsArray().Count == 1);
            Assert.Single(rid!["spec"]!["template"]!["spec"]!["domain"]!["devices"]!["interfaces"]!.AsArray());
            await Eventually.True("nor in the pod", async () => !(await multus.LinksAsync()).Contains(device["pod".Length..], StringComparison.Ordinal));
        }

        Assert.Equal(uid, await machine.InstanceUid());
        Assert.Null(await machine.Condition("RestartRequired"));
        await machine.Delete();

        Task State(string state) => machine.Patch($$"""{"spec":{"template":{"spec":{"domain":{"devices":{"interfaces":[{{guest}},{"name":"lan","bridge":{},"state":"{{state}}"}]} } } } } }""");

        static JsonNode? Lan(JsonNode? instance) => instance?["status"]?["interfaces"]?.AsArray().FirstOrDefault(i => (string?)i!["name"] == "lan");
    }
}
