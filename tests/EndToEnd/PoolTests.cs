using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>A VirtualMachinePool with real guests.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class PoolTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task A_pool_makes_numbered_machines_scales_and_brings_them_to_a_new_template()
    {
        var vm = MachineManifests.Of("x", "runStrategy: Always");
        var machine = string.Join('\n', vm[vm.IndexOf("spec:", StringComparison.Ordinal)..].Split('\n').Select(l => "    " + l));
        (await Cluster.Apply($$"""
            apiVersion: pool.kubevirt.io/v1beta1
            kind: VirtualMachinePool
            metadata: {name: web}
            spec:
              replicas: 2
              maxUnavailable: 1
              selector: {matchLabels: {app: web} }
              scaleInStrategy: {proactive: {selectionPolicy: {sortPolicy: DescendingOrder} } }
              virtualMachineTemplate:
                metadata: {labels: {app: web} }
            {{machine}}
            """)).Require();
        await Ready(2);
        var first = await Uids();
        Assert.Equal(["web-0", "web-1"], first.Keys.Order());

        (await Cluster.Kubectl("scale", "vmpool", "web", "--replicas=1")).Require();
        await Eventually.Get("one machine", Uids, u => u.Count == 1);
        Assert.Equal("web-0", Assert.Single(await Uids()).Key);

        (await Cluster.Kubectl("patch", "vmpool", "web", "--type=merge", "-p", """{"spec":{"virtualMachineTemplate":{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":2}}}}}}}}""")).Require();
        await Eventually.Get("the guest with two cores", () => Cluster.Get("vmi", "web-0"), i => (int?)i?["spec"]?["domain"]?["cpu"]?["cores"] == 2 && (string?)i["status"]?["phase"] == "Running");
        Assert.Equal(first["web-0"], (await Uids())["web-0"]);
        await Eventually.Get("one revision", async () => (await Cluster.Kubectl("get", "controllerrevisions", "-o", "name")).Output.Split('\n').Count(l => l.Contains("/web-", StringComparison.Ordinal)), n => n == 1);

        (await Cluster.Kubectl("delete", "vmpool", "web", "--timeout=90s")).Require();
        await Eventually.Get("no machine", Uids, u => u.Count == 0);
        await Eventually.Get("no instance", async () => (await Cluster.Kubectl("get", "vmi", "-o", "name")).Output, o => o.Length == 0);
    }

    private Task Ready(int count) => Eventually.Get($"{count} ready", () => Cluster.Get("vmpool", "web"), p => (int?)p?["status"]?["readyReplicas"] == count, TimeSpan.FromSeconds(120));

    private async Task<Dictionary<string, string>> Uids() => JsonNode.Parse((await Cluster.Kubectl("get", "vm", "-l", "app=web", "-o", "json")).Require())!["items"]!.AsArray()
        .ToDictionary(m => (string)m!["metadata"]!["name"]!, m => (string)m!["metadata"]!["uid"]!);
}
