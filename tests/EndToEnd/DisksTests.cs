using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>One guest with every kind of disk, looked at from inside of it.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class DisksTests(SharedCluster shared) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-hostdisk-").FullName;

    private TroupeCluster Cluster => shared.Cluster;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_guest_boots_from_its_container_disk_and_finds_every_other_disk_where_its_bus_puts_it()
    {
        // Only a cluster whose administrator allows it lets its users have files of the host.
        (await Cluster.Apply("""
            {"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"configuration":{"developerConfiguration":{"featureGates":["HostDisk"]}}}}
            """)).Require();
        await TroupeCluster.Eventually("host disks are allowed", async () => (await Cluster.Apply(Manifest(Path.Combine(_folder, "host.img")))).ExitCode == 0);
        var vmi = await Cluster.Phase("disks", "Running");
        Assert.Equal(["cd", "host", "root", "scratch", "seed"], vmi["status"]!["volumeStatus"]!.AsArray().Select(v => (string?)v!["name"]).Order());
        Assert.Equal(32 << 20, new FileInfo(Path.Combine(_folder, "host.img")).Length);

        await using (var console = new ConsoleSession(Cluster, "disks"))
        {
            await console.LogIn("root");
            // Booted from the partition of the first virtio disk, named by the second.
            Assert.Contains("disks", await console.Run("hostname"));
            Assert.Contains("vda1", await console.Run("cat /proc/partitions"));
            Assert.Contains("hostname: disks", await console.Run("cat /run/cidata/user-data"));
            Assert.Contains("size=131072", await console.Run("echo size=$(cat /sys/block/sda/size)"));
            Assert.Contains("kept-by-the-disk", await console.Run("echo kept-by-the-disk >/dev/sda; sync; echo 3 >/proc/sys/vm/drop_caches; head -c 16 /dev/sda"));
            Assert.Contains("medium=", await console.Run("echo medium=$(cat /sys/block/sr0/size)"));
            Assert.DoesNotContain("written", await console.Run("echo x 2>/dev/null >/dev/sr0 && echo writ''ten"));
        }

        // The demo guest's kernel has no AHCI driver: that QEMU offers the SATA disk must do.
        var qemu = Assert.Single(TroupeCluster.QemuOf((string)vmi["metadata"]!["uid"]!));
        Assert.Contains("ide-hd", File.ReadAllText($"/proc/{qemu}/cmdline"));
        (await Cluster.Kubectl("delete", "vmi/disks", "kubevirt/kubevirt", "--timeout=60s")).Require();
        Assert.True(File.Exists(Path.Combine(_folder, "host.img")), "a host disk outlives its VMI");
    }

    [Fact]
    public async Task What_cloud_init_needs_and_is_not_there_is_waited_for_and_named()
    {
        (await Cluster.Apply(Manifests.Demo("waits") + """

              volumes:
                - name: seed
                  cloudInitNoCloud: {secretRef: {name: nowhere-to-be-found} }
            """)).Require();
        await Eventually.Get("an event that names the missing secret", async () =>
            (await Cluster.Kubectl("get", "events", "-o", "json")).Require(),
            json => JsonNode.Parse(json)!["items"]!.AsArray().Any(e => ((string?)e!["message"])?.Contains("nowhere-to-be-found", StringComparison.Ordinal) is true));
        Assert.Equal("Scheduling", (string?)(await Cluster.Get("vmi", "waits"))?["status"]?["phase"]);

        (await Cluster.Kubectl("create", "secret", "generic", "nowhere-to-be-found", "--from-literal=userdata=#cloud-config")).Require();
        await Cluster.Phase("waits", "Running");
        (await Cluster.Kubectl("delete", "vmi", "waits", "--timeout=60s")).Require();
    }

    private static string Manifest(string hostDisk) => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstance
        metadata:
          name: disks
        spec:
          terminationGracePeriodSeconds: 0
          nodeSelector: {kubernetes.io/hostname: node-1}
          domain:
            memory: {guest: 192Mi}
            devices:
              disks:
                - {name: root, bootOrder: 1, disk: {bus: virtio} }
                - {name: seed, disk: {bus: virtio} }
                - {name: scratch, disk: {bus: scsi} }
                - {name: host, disk: {bus: sata} }
                - {name: cd, cdrom: {bus: scsi} }
          volumes:
            - name: root
              containerDisk: {image: "registry.troupe.local/demo-guest-disk:latest"}
            - name: seed
              cloudInitNoCloud:
                userData: |
                  #cloud-config
                  hostname: disks
            - name: scratch
              emptyDisk: {capacity: 64Mi}
            - name: host
              hostDisk: {path: "{{hostDisk}}", type: DiskOrCreate, capacity: 32Mi}
            - name: cd
              containerDisk: {image: "registry.troupe.local/demo-guest-disk:latest"}
        """;
}
