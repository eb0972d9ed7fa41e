using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>What should not be sent: it is refused in words, and a guest that runs meanwhile does not notice.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class BadInputTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Theory]
    [InlineData("memory: {guest: 128Mi}", "memory: {guest: [1, 2]}", "spec.domain.memory.guest")]
    [InlineData("rng: {}", "disks: [{name: nowhere, disk: {bus: virtio} }]", "spec.domain.devices.disks[0]")]
    [InlineData("terminationGracePeriodSeconds: 2", "terminationGracePeriodSeconds: soon", "spec.terminationGracePeriodSeconds")]
    public async Task A_malformed_VMI_is_refused_or_fails_by_the_name_of_its_field(string good, string bad, string field)
    {
        var name = $"bad-{bad.Length}";
        var manifest = Manifests.Demo(name);
        Assert.Contains(good, manifest);
        var applied = await Cluster.Apply(manifest.Replace(good, bad, StringComparison.Ordinal));
        if (applied.ExitCode != 0)
        {
            Assert.Contains(field, applied.Error);
            Assert.Null(await Cluster.Get("vmi", name));
            return;
        }

        var vmi = await Cluster.Phase(name, "Failed");
        var conditions = vmi["status"]!["conditions"]!.AsArray();
        Assert.Contains(conditions, c => ((string?)c!["message"])?.Contains(field, StringComparison.Ordinal) is true);
        (await Cluster.Kubectl("delete", "vmi", name, "--timeout=60s")).Require();
    }

    [Fact]
    public async Task Of_many_creations_of_one_name_one_wins_and_one_guest_runs()
    {
        var manifest = Path.Combine(Cluster.Root, "raced.yaml");
        await File.WriteAllTextAsync(manifest, Manifests.Demo("raced"));
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Cluster.Kubectl("create", "-f", manifest)));
        Assert.Single(results, r => r.ExitCode == 0);
        Assert.All(results.Where(r => r.ExitCode != 0), r => Assert.Contains("AlreadyExists", r.Error));

        var vmi = await Cluster.Phase("raced", "Running");
        Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));
        Assert.Single((await Cluster.Kubectl("get", "pods", "-l", "vm.kubevirt.io/name=raced", "-o", "name")).Require().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        (await Cluster.Kubectl("delete", "vmi", "raced", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_VMI_of_ten_megabytes_is_refused_and_the_next_one_is_served()
    {
        var large = Manifests.Demo("large").Replace("  name: large", $"  name: large\n  annotations: {{padding: {new string('x', 10 << 20)}}}", StringComparison.Ordinal);
        var file = Path.Combine(Cluster.Root, "large.yaml");
        await File.WriteAllTextAsync(file, large);
        var result = await Cluster.Kubectl("create", "-f", file);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("too large", result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Null(await Cluster.Get("vmi", "large"));
    }
}
