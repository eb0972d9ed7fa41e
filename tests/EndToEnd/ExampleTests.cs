using System.Text.RegularExpressions;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>KubeVirt's own example manifests with real guests: the demo guest's disk stands in for their images, which no registry here has.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed partial class ExampleTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    private static string Folder { get; } = Path.Combine(TroupeCluster.RepositoryRoot(), "..", "shared", "kubevirt", "examples");

    [Theory]
    [InlineData("vmi-ephemeral")]
    [InlineData("vmi-masquerade")]
    [InlineData("vmi-migratable")]
    [InlineData("vmi-nocloud")]
    [InlineData("vmi-sata")]
    [InlineData("vmi-fedora")]
    public async Task An_instance_boots(string name)
    {
        await ApplyAsync(name);
        await Cluster.Phase(name, "Running");
        (await Cluster.Kubectl("delete", "vmi", name, "--timeout=60s")).Require();
    }

    [Theory]
    [InlineData("vm-cirros")]
    [InlineData("vm-cirros-sata")]
    [InlineData("vm-priorityclass", "vm-non-preemtible", "non-preemtible")]
    public async Task A_machine_starts_and_stops(string file, string? name = null, string? before = null)
    {
        if (before is not null)
            await ApplyAsync(before);
        await ApplyAsync(file);
        var vm = new MachineDriver(Cluster, name ?? file);
        await vm.Becomes("Stopped");
        (await vm.Command("start")).Require();
        await vm.Runs();
        (await vm.Command("stop")).Require();
        await vm.Stops();
        await vm.Delete();
    }

    [Theory]
    [InlineData("vmi-replicaset-cirros", "vmirs")]
    [InlineData("vm-pool-cirros", "vmpool")]
    public async Task All_of_several_get_ready(string name, string resource)
    {
        await ApplyAsync(name);
        await Eventually.Get($"3 ready of {name}", () => Cluster.Get(resource, name), o => (int?)o?["status"]?["readyReplicas"] == 3, TimeSpan.FromSeconds(180));
        (await Cluster.Kubectl("delete", resource, name, "--timeout=60s")).Require();
        await Eventually.Get("what it made is gone", async () => (await Cluster.Kubectl("get", "vm,vmi", "-o", "name")).Output, o => !o.Contains(name, StringComparison.Ordinal));
    }

    private async Task ApplyAsync(string file)
    {
        Assert.SkipUnless(Directory.Exists(Folder), "the examples of ../shared/kubevirt are not here");
        var manifest = await File.ReadAllTextAsync(Path.Combine(Folder, $"{file}.yaml"), TestContext.Current.CancellationToken);
        (await Cluster.Apply(ImageName().Replace(manifest, "registry.troupe.local/demo-guest-disk:latest"))).Require();
    }

    [GeneratedRegex(@"registry:5000/kubevirt/[a-z-]+:devel")]
    private static partial Regex ImageName();
}
