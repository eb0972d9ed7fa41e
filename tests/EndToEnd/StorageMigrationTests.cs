using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Disks on the move: plugged ones go along with their guest, and a machine's disk goes to another claim while its guest writes on it.</summary>
[Trait("Category", "Real")]
public sealed class StorageMigrationTests(OwnCluster own, ITestOutputHelper output) : IClassFixture<OwnCluster>
{
    private TroupeCluster Cluster => own.Cluster;

    [Fact]
    public async Task A_disk_that_was_plugged_in_goes_along_is_written_there_and_can_be_pulled_out()
    {
        await Claim("travels", "ReadWriteMany", "Filesystem");
        (await Cluster.Apply(Manifests.Demo("traveller"))).Require();
        var home = (string)(await Cluster.Phase("traveller", "Running"))["status"]!["nodeName"]!;
        await using var console = new ConsoleSession(Cluster, "traveller");
        await console.LogIn("root");
        var driver = new MachineDriver(Cluster, "traveller");
        (await driver.Raw("addvolume", """{"name":"travels","disk":{"disk":{"bus":"scsi"} },"volumeSource":{"persistentVolumeClaim":{"claimName":"travels"} } }""", "virtualmachineinstances")).Require();
        await Volume("traveller", "it is plugged in", v => (string?)v?["phase"] == "Ready");
        await console.Run("until [ -e /dev/sda ]; do sleep 1; done; echo from-home >/dev/sda; sync");
        var before = await AttachmentPods();

        (await Cluster.Apply(Manifests.Migration("travelling", "traveller"))).Require();
        await Cluster.MigrationPhase("travelling", "Succeeded");
        await Eventually.Get("the guest is on another node", () => Cluster.Get("vmi", "traveller"), o => (string?)o?["status"]?["nodeName"] is { } node && node != home);
        await Volume("traveller", "it is plugged in", v => (string?)v?["phase"] == "Ready");
        var after = await Eventually.Get("the pod that brought it is the new one alone", AttachmentPods, p => p.Count == 1 && p[0] != before[0]);
        output.WriteLine($"{before[0]} -> {after[0]}");

        await using var there = new ConsoleSession(Cluster, "traveller");
        Assert.Equal("from-home", await Answer(there, "head -c 9 /dev/sda"));
        await there.Run("echo from-away >/dev/sda; sync");
        Assert.Equal("from-away", await Answer(there, "head -c 9 /dev/sda"));
        (await driver.Raw("removevolume", """{"name":"travels"}""", "virtualmachineinstances")).Require();
        await there.Run("while [ -e /dev/sda ]; do sleep 1; done");
        await Eventually.Get("nothing is left of it", () => Cluster.Get("vmi", "traveller"), v => v?["status"]?["volumeStatus"] is null);
        await Eventually.Get("no pod brings it any more", AttachmentPods, p => p.Count == 0);
        (await Cluster.Kubectl("delete", "vmi", "traveller", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_disk_moves_to_a_device_and_back_into_a_file_while_its_guest_runs_and_the_old_claims_are_free()
    {
        (await Cluster.Apply("""{"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":["LiveMigrate"]}}}""")).Require();
        await Claim("first", "ReadWriteOnce", "Filesystem");
        (await Cluster.Apply(Manifests.OnVirtio(MachineManifests.Of("keeper", "runStrategy: Always\n  updateVolumesStrategy: Migration"), "data").Replace("      disks:", "          disks:", StringComparison.Ordinal) + """

                  volumes: [{name: data, persistentVolumeClaim: {claimName: first} }]
            """)).Require();
        var machine = new MachineDriver(Cluster, "keeper");
        var uid = await machine.Runs();
        string sum;
        await using (var console = new ConsoleSession(Cluster, "keeper"))
        {
            await console.LogIn("root");
            await console.Run("dd if=/dev/urandom of=/tmp/blob bs=1M count=8; dd if=/tmp/blob of=/dev/vda bs=1M; sync");
            sum = await Sum(console);
        }

        await Claim("second", "ReadWriteOnce", "Block");
        await MoveTo(machine, "second");
        await Check("written on the device");
        await Claim("third", "ReadWriteOnce", "Filesystem");
        await MoveTo(machine, "third");
        await Check("written in the file");
        Assert.Equal(uid, await machine.InstanceUid());

        // Nothing holds what the disk was on before.
        (await Cluster.Kubectl("delete", "pvc", "first", "second", "--timeout=60s")).Require();
        (await machine.Raw("restart")).Require();
        await machine.Runs(otherThan: uid);
        await using (var console = new ConsoleSession(Cluster, "keeper"))
        {
            await console.LogIn("root");
            Assert.Equal(sum, await Sum(console));
        }

        await machine.Delete();

        async Task Check(string text)
        {
            await using var console = new ConsoleSession(Cluster, "keeper");
            Assert.Equal(sum, await Sum(console));
            await console.Run($"echo {text} | dd of=/dev/vda bs=1M seek=9 conv=sync; sync");
            Assert.Equal(text, await Answer(console, $"dd if=/dev/vda bs=1M skip=9 count=1 2>/dev/null | head -c {text.Length}"));
        }
    }

    private static async Task<string> Sum(ConsoleSession console) => (await Answer(console, "dd if=/dev/vda bs=1M count=8 2>/dev/null | md5sum"))[..32];

    /// <summary>Only what is on the disk, not what the guest remembers of it; and what was answered, not what was typed.</summary>
    private static async Task<string> Answer(ConsoleSession console, string command) =>
        (await console.Run($"echo 3 >/proc/sys/vm/drop_caches; echo AN''SWER=$({command})")).Split("ANSWER=")[1].Trim();

    private async Task MoveTo(MachineDriver machine, string claim)
    {
        var home = (string?)(await machine.Instance())!["status"]!["nodeName"];
        await machine.Patch($$"""{"spec":{"template":{"spec":{"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"{{claim}}"} }]} } } }""");
        try
        {
            var moved = await Eventually.Get($"the disk is on {claim}", machine.Instance, i => (string?)i?["status"]?["nodeName"] != home
                && i!["status"]!["migratedVolumes"] is null && i["status"]!["volumeStatus"]!.AsArray().Any(v => (string?)v?["persistentVolumeClaimInfo"]?["claimName"] == claim), TimeSpan.FromSeconds(180));
            Assert.DoesNotContain(moved!["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] == "VolumesChange");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{(await machine.Machine())?.ToJsonString()}\n{(await machine.Instance())?.ToJsonString()}\n{(await Cluster.Kubectl("get", "vmim,pods,pvc,events", "-o", "wide")).Output}\n{Cluster.Logs()}");
        }

        await Eventually.Get("the machine has nothing more to tell of it", machine.Machine, m => m?["status"]?["volumeUpdateState"] is null && m!["status"]!["conditions"]!.AsArray().All(c => (string?)c!["type"] is not ("RestartRequired" or "ManualRecoveryRequired" or "VolumesChange")));
    }

    private async Task Claim(string name, string mode, string kind) => (await Cluster.Apply($$"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: {{name}} }
        spec:
          accessModes: [{{mode}}]
          volumeMode: {{kind}}
          resources: {requests: {storage: 64Mi} }
        """)).Require();

    private async Task<IReadOnlyList<string>> AttachmentPods() =>
        (await Cluster.Kubectl("get", "pods", "-l", "kubevirt.io=hotplug-disk", "-o", "name")).Require().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task Volume(string vmi, string what, Func<JsonNode?, bool> holds)
    {
        try
        {
            await Eventually.Get(what, () => Cluster.Get("vmi", vmi), o => holds(o?["status"]?["volumeStatus"]?.AsArray().FirstOrDefault()), TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{(await Cluster.Kubectl("get", "vmim,pods,pvc,events", "-o", "wide")).Output}\n{Cluster.Logs()}");
        }
    }
}
