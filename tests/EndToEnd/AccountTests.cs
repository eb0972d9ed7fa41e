using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Troupe's parts have accounts of their own: what only they may do, an administrator may not.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class AccountTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task Users_may_not_change_a_running_instance_nor_take_reserved_labels_and_the_control_plane_may()
    {
        (await Cluster.Apply(Manifests.Demo("guarded"))).Require();
        await Cluster.Phase("guarded", "Running");

        var spec = await Cluster.Kubectl("patch", "vmi", "guarded", "--type=merge", "-p", """{"spec":{"domain":{"memory":{"guest":"256Mi"}}}}""");
        Assert.Contains("update of VMI object is restricted", spec.Error);
        var label = await Cluster.Kubectl("label", "vmi", "guarded", "kubevirt.io/nodeName=elsewhere", "--overwrite");
        Assert.Contains("reserved kubevirt.io/ labels", label.Error);
        (await Cluster.Kubectl("label", "vmi", "guarded", "team=blue")).Require();
        (await Shell.RunAsync("kubectl", ["--kubeconfig", Cluster.KubeconfigOf("kubevirt-controller"), "label", "vmi", "guarded", "kubevirt.io/nodeName=node-1", "--overwrite"])).Require();

        (await Cluster.Kubectl("delete", "vmi", "guarded", "--timeout=60s")).Require();
    }

    [Theory]
    [InlineData("kubevirt-controller", "get", "secrets", "default", "no")]
    [InlineData("kubevirt-controller", "get", "secrets", "kubevirt", "yes")]
    [InlineData("kubevirt-controller", "create", "pods", "default", "yes")]
    [InlineData("kubevirt-handler", "create", "pods", "default", "no")]
    [InlineData("kubevirt-handler", "patch", "virtualmachineinstances.kubevirt.io", "default", "no")]
    [InlineData("kubevirt-handler", "patch", "nodes", "default", "yes")]
    public async Task A_part_may_do_what_it_needs(string account, string verb, string resource, string ns, string answer)
    {
        var asked = await Shell.RunAsync("kubectl", ["--kubeconfig", Cluster.KubeconfigOf(account), "auth", "can-i", verb, resource, "-n", ns]);
        Assert.Equal(answer, asked.Output.Trim());
    }

    [Fact]
    public async Task The_common_instance_types_and_preferences_are_there_and_machines_start_from_them()
    {
        await Eventually.Get("the common instance types", async () => (await Cluster.Kubectl("get", "vmclusterinstancetypes", "-o", "name")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, n => n >= 60);
        await Eventually.Get("the common preferences", async () => (await Cluster.Kubectl("get", "virtualmachineclusterpreferences", "-o", "name")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, n => n >= 50);

        var refused = await Cluster.Apply(MachineManifests.Of("oversized", "runStrategy: Always\n  instancetype: {name: u1.nano}"));
        Assert.Contains("conflicts with selected instance type", refused.Error);

        var manifest = MachineManifests.Of("sized", "runStrategy: Always\n  instancetype: {name: u1.nano}\n  preference: {name: alpine}").Replace("memory: {guest: 128Mi}", "clock: {utc: {} }", StringComparison.Ordinal);
        (await Cluster.Apply(manifest)).Require();
        var vm = new MachineDriver(Cluster, "sized");
        await vm.Runs();
        var instance = (await vm.Instance())!;
        Assert.Equal("512Mi", (string?)instance["spec"]!["domain"]!["memory"]!["guest"]);
        Assert.Equal("u1.nano", (string?)(await vm.Machine())!["status"]!["instancetypeRef"]!["name"]);
        Assert.StartsWith("sized-u1.nano-", (string?)(await vm.Machine())!["status"]!["instancetypeRef"]!["controllerRevisionRef"]!["name"]);

        var expanded = System.Text.Json.Nodes.JsonNode.Parse((await Cluster.Kubectl("get", "--raw", "/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/sized/expand-spec")).Require())!;
        Assert.Null(expanded["spec"]!["instancetype"]);
        Assert.Equal("512Mi", (string?)expanded["spec"]!["template"]!["spec"]!["domain"]!["memory"]!["guest"]);
        await vm.Delete();
    }
}
