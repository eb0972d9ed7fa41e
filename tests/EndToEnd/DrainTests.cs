using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>`kubectl drain` and real guests: those that can go, those that end and those that stay.</summary>
[Trait("Category", "Real")]
public sealed class DrainTests(OwnCluster own, ITestOutputHelper output) : IClassFixture<OwnCluster>, IAsyncDisposable
{
    private const string Node = "node-1";
    private const string Other = "node-2";
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-hostdisk-").FullName;

    private TroupeCluster Cluster => own.Cluster;

    public async ValueTask DisposeAsync()
    {
        (await Cluster.Kubectl("uncordon", Node, Other)).Require();
        (await Cluster.Kubectl("delete", "vmi", "--all", "--timeout=60s")).Require();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_drained_node_is_left_by_its_guests_which_go_on_elsewhere_and_those_that_will_not_move_end()
    {
        await RunAsync(Guest("first", "LiveMigrate"), Guest("second", "LiveMigrateIfPossible"), Guest("ender", "None"));
        var boots = (await GuestPage.BootIdAsync(Cluster, "first"), await GuestPage.BootIdAsync(Cluster, "second"));

        var drained = await DrainAsync(TimeSpan.FromMinutes(5));
        output.WriteLine($"{drained.Output}{drained.Error}");
        drained.Require();
        Assert.Contains("Eviction triggered evacuation of VMI \"default/first\"", drained.Error);
        var pods = (await Cluster.Kubectl("get", "pods", "-o", "json", "--field-selector", $"spec.nodeName={Node}")).Require();
        Assert.Empty(JsonNode.Parse(pods)!["items"]!.AsArray());

        Assert.Equal(boots, (await GuestPage.BootIdAsync(Cluster, "first"), await GuestPage.BootIdAsync(Cluster, "second")));
        foreach (var name in new[] { "first", "second" })
        {
            var vmi = await Eventually.Get($"{name} is nobody's to be moved any more", () => Cluster.Get("vmi", name), o => o?["status"]?["evacuationNodeName"] is null);
            Assert.Equal(("Running", Other), ((string?)vmi!["status"]!["phase"], (string?)vmi["status"]!["nodeName"]));
            Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));
            var migration = Assert.Single(await MigrationsAsync(name));
            Assert.StartsWith("kubevirt-evacuation-", (string?)migration["metadata"]!["name"], StringComparison.Ordinal);
            Assert.Equal(("system-critical", Node), ((string?)migration["spec"]!["priority"], (string?)migration["metadata"]!["annotations"]!["kubevirt.io/evacuationMigration"]));
        }

        var ender = await Eventually.Get("the guest that will not move has ended", () => Cluster.Get("vmi", "ender"), o => (string?)o?["status"]?["phase"] is "Succeeded" or "Failed");
        Assert.Empty(TroupeCluster.QemuOf((string)ender!["metadata"]!["uid"]!));
        Assert.Empty(await MigrationsAsync("ender"));
    }

    [Fact]
    public async Task A_guest_that_cannot_move_holds_the_drain_up_and_the_drain_says_why()
    {
        (await Cluster.Apply("""
            {"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"configuration":{"developerConfiguration":{"featureGates":["HostDisk"]}}}}
            """)).Require();
        var stuck = Guest("stuck", "LiveMigrate") + $$"""

              volumes:
                - name: host
                  hostDisk: {path: {{_folder}}/host.img, type: DiskOrCreate, capacity: 8Mi}
            """;
        await TroupeCluster.Eventually("host disks are allowed", async () => (await Cluster.Apply(stuck)).ExitCode == 0);
        await RunAsync(stuck);
        await Eventually.Get("it is known that it cannot move", () => Cluster.Get("vmi", "stuck"), o => Condition(o, "LiveMigratable") == "False");

        var drained = await DrainAsync(TimeSpan.FromSeconds(12));
        Assert.NotEqual(0, drained.ExitCode);
        Assert.Contains("VMI stuck is configured with an eviction strategy but is not live-migratable", drained.Error);
        var vmi = (await Cluster.Get("vmi", "stuck"))!;
        Assert.Equal(("Running", Node, null), ((string?)vmi["status"]!["phase"], (string?)vmi["status"]!["nodeName"], (string?)vmi["status"]!["evacuationNodeName"]));
        Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));
    }

    [Fact]
    public async Task An_eviction_left_to_others_marks_the_guest_until_it_is_called_off_and_a_dry_run_marks_nothing()
    {
        await RunAsync(Guest("external", "External"));
        var pod = (string)JsonNode.Parse((await Cluster.Kubectl("get", "pods", "-l", "vm.kubevirt.io/name=external", "-o", "json")).Require())!["items"]![0]!["metadata"]!["name"]!;

        var dry = await EvictAsync(pod, """, "deleteOptions": {"dryRun": ["All"]}""");
        Assert.Contains("Eviction triggered evacuation of VMI \"default/external\"", dry.Error);
        Assert.Null((await Cluster.Get("vmi", "external"))!["status"]!["evacuationNodeName"]);

        Assert.NotEqual(0, (await EvictAsync(pod)).ExitCode);
        await Eventually.Get("the guest shows that it is to go", () => Cluster.Get("vmi", "external"), o => (string?)o?["status"]?["evacuationNodeName"] == Node && Condition(o, "EvictionRequested") == "True");
        Assert.Contains("Evacuation in progress: Eviction triggered evacuation of VMI \"default/external\"", (await EvictAsync(pod)).Error);
        await Eventually.Get("its pod shows it to deschedulers", () => Cluster.Get("pod", pod), o => (string?)o?["metadata"]?["annotations"]?["descheduler.alpha.kubernetes.io/eviction-in-progress"] == "true");

        (await CancelAsync("external", "node-7")).Is(success: false);
        (await CancelAsync("external", Node)).Is(success: true);
        await Eventually.Get("the mark is gone", () => Cluster.Get("vmi", "external"), o => o?["status"]?["evacuationNodeName"] is null && Condition(o, "EvictionRequested") is null);
        Assert.Empty(await MigrationsAsync("external"));
    }

    [Fact]
    public async Task A_quota_without_room_for_a_second_pod_keeps_a_migration_waiting_until_there_is_room()
    {
        await RunAsync(Guest("frugal", "LiveMigrate"));
        (await Cluster.Kubectl("create", "quota", "small", "--hard=pods=1")).Require();
        await Eventually.Get("the quota knows the pod", () => Cluster.Get("quota", "small"), o => (string?)o?["status"]?["used"]?["pods"] == "1");
        (await Cluster.Apply(Manifests.Migration("frugal-away", "frugal"))).Require();
        await Eventually.Get("the quota refuses the target pod", () => Cluster.Get("vmim", "frugal-away"), o => Condition(o, "migrationRejectedByResourceQuota") == "True" && (string?)o?["status"]?["phase"] == "Pending");

        (await Cluster.Kubectl("delete", "quota", "small")).Require();
        var migration = await Cluster.MigrationPhase("frugal-away", "Succeeded");
        Assert.Null(Condition(migration, "migrationRejectedByResourceQuota"));
        Assert.Equal(Other, (string?)migration["status"]!["migrationState"]!["targetNode"]);
    }

    /// <summary>All on <see cref="Node"/>, from where each may go.</summary>
    private async Task RunAsync(params string[] manifests)
    {
        (await Cluster.Kubectl("cordon", Other)).Require();
        foreach (var manifest in manifests)
            (await Cluster.Apply(manifest)).Require();
        foreach (var manifest in manifests)
            await Cluster.Phase(manifest.Split("name: ")[1].Split('\n')[0].Trim(), "Running");
        (await Cluster.Kubectl("uncordon", Other)).Require();
    }

    private Task<ShellResult> DrainAsync(TimeSpan within) => Shell.RunAsync("kubectl",
        ["--kubeconfig", Cluster.Kubeconfig, "drain", Node, "--delete-emptydir-data", "--ignore-daemonsets", "--force", "--pod-selector=kubevirt.io=virt-launcher", $"--timeout={within.TotalSeconds:0}s"],
        timeout: within + TimeSpan.FromSeconds(30));

    private Task<ShellResult> EvictAsync(string pod, string more = "") => Shell.RunAsync("kubectl",
        ["--kubeconfig", Cluster.Kubeconfig, "create", "--raw", $"/api/v1/namespaces/default/pods/{pod}/eviction", "-f", "-"],
        $$"""{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "{{pod}}", "namespace": "default"}{{more}} }""");

    private async Task<Answer> CancelAsync(string vmi, string node) => new(await Shell.RunAsync("kubectl",
        ["--kubeconfig", Cluster.Kubeconfig, "replace", "--raw", $"/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/{vmi}/evacuate/cancel", "-f", "-"],
        $$"""{"evacuationNodeName": "{{node}}"}"""));

    private async Task<IReadOnlyList<JsonNode>> MigrationsAsync(string vmi) =>
        [.. JsonNode.Parse((await Cluster.Kubectl("get", "vmim", "-l", $"kubevirt.io/vmi-name={vmi}", "-o", "json")).Require())!["items"]!.AsArray().OfType<JsonNode>()];

    private static string? Condition(JsonNode? vmi, string type) => (string?)vmi?["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == type)?["status"];

    private static string Guest(string name, string strategy) => Manifests.Demo(name).Replace("\nspec:\n", $"\nspec:\n  evictionStrategy: {strategy}\n", StringComparison.Ordinal);

    private sealed record Answer(ShellResult Result)
    {
        public void Is(bool success) => Assert.True(success == (Result.ExitCode == 0), Result.Error + Result.Output);
    }
}
