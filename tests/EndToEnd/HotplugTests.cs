using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>What is plugged into a running guest and pulled out again, as the guest sees it.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class HotplugTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task A_disk_that_is_plugged_into_a_running_guest_can_be_written_pulled_out_and_plugged_in_again()
    {
        await Claim("data-of-plugged");
        (await Cluster.Apply(Manifests.Demo("plugged"))).Require();
        await Cluster.Phase("plugged", "Running");
        await using var console = new ConsoleSession(Cluster, "plugged");
        await console.LogIn("root");

        (await Plug("plugged", "data-of-plugged")).Require();
        var status = await VolumePhase("plugged", "data-of-plugged", "Ready");
        Assert.Equal("data-of-plugged", (string?)status["persistentVolumeClaimInfo"]!["claimName"]);
        Assert.StartsWith("hp-volume-", (string?)status["hotplugVolume"]!["attachPodName"]);
        await console.Run("until [ -e /dev/sda ]; do sleep 1; done");
        Assert.Contains("still-here", await console.Run("echo still''-here >/dev/sda; sync; echo 3 >/proc/sys/vm/drop_caches; head -c 10 /dev/sda"));

        (await Unplug("plugged", "data-of-plugged")).Require();
        await Eventually.Get("the guest has let go", () => Cluster.Get("vmi", "plugged"), v => v?["status"]?["volumeStatus"] is null);
        await console.Run("while [ -e /dev/sda ]; do sleep 1; done");
        await Eventually.Get("no pod brings the volume any more", async () => (await Cluster.Kubectl("get", "pods", "-l", "kubevirt.io=hotplug-disk", "-o", "name")).Require(), o => o.Length == 0);

        (await Plug("plugged", "data-of-plugged")).Require();
        await VolumePhase("plugged", "data-of-plugged", "Ready");
        Assert.Contains("still-here", await console.Run("until [ -e /dev/sda ]; do sleep 1; done; head -c 10 /dev/sda"));
        (await Cluster.Kubectl("delete", "vmi", "plugged", "--timeout=60s")).Require();
        await Eventually.Get("the attachment pod ends with its guest", async () => (await Cluster.Kubectl("get", "pods", "-o", "name")).Require(), o => !o.Contains("hp-volume-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_block_claim_comes_to_the_guest_as_a_disk_by_plug_and_from_the_start()
    {
        await Claim("block-plugged", "volumeMode: Block");
        await Claim("block-fixed", "volumeMode: Block");
        (await Cluster.Apply(Manifests.OnVirtio(Manifests.Demo("blocks"), "fixed") + """

              volumes:
                - name: fixed
                  persistentVolumeClaim: {claimName: block-fixed}
            """)).Require();
        var vmi = await Cluster.Phase("blocks", "Running");
        await using var console = new ConsoleSession(Cluster, "blocks");
        await console.LogIn("root");
        Assert.Contains("size=131072", await console.Run("echo size=$(cat /sys/block/vda/size)"));
        (await Plug("blocks", "block-plugged")).Require();
        await VolumePhase("blocks", "block-plugged", "Ready");
        Assert.Contains("size=131072", await console.Run("until [ -e /dev/sda ]; do sleep 1; done; echo size=$(cat /sys/block/sda/size)"));
        (await Cluster.Kubectl("delete", "vmi", "blocks", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task What_a_machine_is_given_it_keeps_over_a_restart_and_CPUs_and_memory_grow_while_it_runs()
    {
        await Claim("kept-by-machine");
        (await Cluster.Apply(MachineManifests.Of("grows", "runStrategy: Always").Replace("memory: {guest: 128Mi}", "memory: {guest: 1Gi, maxGuest: 2Gi}\n        cpu: {sockets: 1, maxSockets: 2}", StringComparison.Ordinal))).Require();
        var machine = new MachineDriver(Cluster, "grows");
        var first = await machine.Runs();
        await using (var console = new ConsoleSession(Cluster, "grows"))
        {
            await console.LogIn("root");
            (await machine.Raw("addvolume", Options("kept-by-machine"))).Require();
            await VolumePhase("grows", "kept-by-machine", "Ready");
            await console.Run("until [ -e /dev/sda ]; do sleep 1; done; echo mark >/dev/sda; sync");
            Assert.Contains((await machine.Machine())!["spec"]!["template"]!["spec"]!["volumes"]!.AsArray(), v => (string?)v!["name"] == "kept-by-machine");

            await machine.Patch("""{"spec":{"template":{"spec":{"domain":{"cpu":{"sockets":2},"memory":{"guest":"1280Mi"} } } } } }""");
            await console.Run("until [ $(grep -c ^processor /proc/cpuinfo) = 2 ]; do sleep 1; done");
            await console.Run("until [ $(awk '/MemTotal/ {print $2}' /proc/meminfo) -gt 1150000 ]; do sleep 1; done");
            var grown = await Eventually.Get("the status shows what the guest has", machine.Instance,
                i => (long?)i?["status"]?["currentCPUTopology"]?["sockets"] == 2 && (string?)i["status"]!["memory"]?["guestCurrent"] == $"{1280L << 20}");
            Assert.DoesNotContain(grown!["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] is "HotVCPUChange" or "HotMemoryChange");
        }

        (await machine.Raw("restart")).Require();
        await machine.Runs(otherThan: first);
        await VolumePhase("grows", "kept-by-machine", "Ready");
        await using (var console = new ConsoleSession(Cluster, "grows"))
        {
            await console.LogIn("root");
            Assert.Contains("mark", await console.Run("until [ -e /dev/sda ]; do sleep 1; done; head -c 4 /dev/sda"));
        }

        await machine.Delete();
    }

    [Fact]
    public async Task A_volume_that_cannot_be_plugged_in_or_pulled_out_is_refused_in_words_and_disturbs_nothing()
    {
        (await Cluster.Apply(Manifests.Demo("unwilling"))).Require();
        await Cluster.Phase("unwilling", "Running");
        var machine = new MachineDriver(Cluster, "unwilling");
        async Task Refused(string verb, string body, string text)
        {
            var result = await machine.Raw(verb, body, "virtualmachineinstances");
            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains(text, result.Error, StringComparison.Ordinal);
        }

        await Refused("addvolume", """{"name":"x"}""", "AddVolumeOptions requires disk to not be nil");
        await Refused("removevolume", """{"name":"x"}""", "Unable to remove volume [x] because it does not exist");
        await Refused("addvolume", Options("x").Replace("scsi", "sata", StringComparison.Ordinal), "requires bus to be 'scsi' or 'virtio'");

        // Allowed, since the claim may still come: until then the status says what is waited for.
        (await machine.Raw("addvolume", Options("late"), "virtualmachineinstances")).Require();
        var status = await VolumePhase("unwilling", "late", "Pending");
        Assert.Equal(("FailedPvcNotFound", "PVC late not found"), ((string?)status["reason"], (string?)status["message"]));
        await Claim("late");
        await VolumePhase("unwilling", "late", "Ready");
        (await Cluster.Kubectl("delete", "vmi", "unwilling", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_running_machines_memory_is_dumped_to_a_claim_which_it_then_keeps_until_it_is_taken_away()
    {
        await Claim("too-small");
        await Claim("memory-of-dumped", size: "256Mi");
        (await Cluster.Apply(MachineManifests.Of("dumped", "runStrategy: Always"))).Require();
        var machine = new MachineDriver(Cluster, "dumped");
        var first = await machine.Runs();
        var refused = await MemoryDump("get", "memorydump", "too-small");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("pvc size [67109k] should be bigger then [241Mi]", refused.Error, StringComparison.Ordinal);

        (await MemoryDump("get", "memorydump", "memory-of-dumped")).Require();
        var request = await Eventually.Get("the dump is complete", async () => (await machine.Machine())?["status"]?["memoryDumpRequest"], r => (string?)r?["phase"] is "Completed" or "Failed");
        Assert.True((string?)request!["phase"] == "Completed", $"{request}\n{Cluster.Logs()}");
        var file = (string)request["fileName"]!;
        Assert.Matches(@"^dumped-memory-of-dumped-\d{8}-\d{6}\.memory\.dump$", file);
        Assert.NotNull(request["startTimestamp"]);
        Assert.NotNull(request["endTimestamp"]);
        Assert.Equal(file, (string?)(await Cluster.Get("pvc", "memory-of-dumped"))!["metadata"]!["annotations"]!["kubevirt.io/memory-dump"]);
        await using (var core = File.OpenRead(Assert.Single(Directory.GetFiles(Path.Combine(Cluster.Root, "devcluster", "volumes"), file, SearchOption.AllDirectories))))
        {
            var magic = new byte[4];
            await core.ReadExactlyAsync(magic, TestContext.Current.CancellationToken);
            Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F'], magic);
            Assert.True(core.Length > 128 << 20, $"a core of {core.Length} bytes");
        }

        Assert.Equal(first, await machine.Runs());
        Assert.Null(await machine.Condition("RestartRequired"));
        Assert.Empty((await machine.Instance())!["spec"]!["volumes"]?.AsArray() ?? []);
        Assert.Contains((await machine.Machine())!["spec"]!["template"]!["spec"]!["volumes"]!.AsArray(), v => (string?)v!["memoryDump"]?["claimName"] == "memory-of-dumped");

        (await MemoryDump("remove", "removememorydump", null)).Require();
        var after = await Eventually.Get("the machine has let go of the claim", machine.Machine, m => m?["status"]?["memoryDumpRequest"] is null);
        Assert.Empty(after!["spec"]!["template"]!["spec"]!["volumes"]?.AsArray() ?? []);
        await machine.Delete();
    }

    private Task<ShellResult> MemoryDump(string verb, string subresource, string? claim) => ConsoleSession.Virtctl is { } virtctl
        ? Shell.RunAsync(virtctl, ["--kubeconfig", Cluster.Kubeconfig, "memory-dump", verb, "dumped", .. claim is null ? Array.Empty<string>() : [$"--claim-name={claim}"]])
        : new MachineDriver(Cluster, "dumped").Raw(subresource, claim is null ? "{}" : $$"""{"claimName":"{{claim}}"}""");

    private async Task Claim(string name, string more = "volumeMode: Filesystem", string size = "64Mi") => (await Cluster.Apply($$"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: {{name}} }
        spec:
          accessModes: [ReadWriteOnce]
          {{more}}
          resources: {requests: {storage: {{size}} } }
        """)).Require();

    private static string Options(string claim) => $$"""
        {"name":"{{claim}}","disk":{"disk":{"bus":"scsi"} },"volumeSource":{"persistentVolumeClaim":{"claimName":"{{claim}}"} } }
        """;

    private Task<ShellResult> Plug(string vmi, string claim) => ConsoleSession.Virtctl is { } virtctl
        ? Shell.RunAsync(virtctl, ["--kubeconfig", Cluster.Kubeconfig, "addvolume", vmi, $"--volume-name={claim}"])
        : new MachineDriver(Cluster, vmi).Raw("addvolume", Options(claim), "virtualmachineinstances");

    private Task<ShellResult> Unplug(string vmi, string volume) => ConsoleSession.Virtctl is { } virtctl
        ? Shell.RunAsync(virtctl, ["--kubeconfig", Cluster.Kubeconfig, "removevolume", vmi, $"--volume-name={volume}"])
        : new MachineDriver(Cluster, vmi).Raw("removevolume", $$"""{"name":"{{volume}}"}""", "virtualmachineinstances");

    /// <exception cref="TimeoutException">With the VMI's status, the pods and the tails of all logs.</exception>
    private async Task<JsonNode> VolumePhase(string vmi, string volume, string phase)
    {
        JsonNode? Find(JsonNode? o) => o?["status"]?["volumeStatus"]?.AsArray().FirstOrDefault(v => (string?)v?["name"] == volume);
        try
        {
            return Find(await Eventually.Get($"volume {volume} of {vmi} is {phase}", () => Cluster.Get("vmi", vmi), o => (string?)Find(o)?["phase"] == phase, TimeSpan.FromSeconds(60)))!;
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{(await Cluster.Kubectl("get", "pods,pvc,events", "-o", "wide")).Output}\n{Cluster.Logs()}");
        }
    }
}
