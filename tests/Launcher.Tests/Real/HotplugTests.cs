using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

/// <summary>A running guest follows its spec: devices, CPUs and memory come while it runs.</summary>
[Trait("Category", "Real")]
public sealed class HotplugTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public async Task A_running_guest_gets_a_disk_an_interface_a_CPU_and_memory_and_gives_disk_and_interface_back()
    {
        var manifest = RunningGuest.Manifest(d => d with
        {
            Cpu = new CPU { Sockets = 1, MaxSockets = 2 },
            Memory = new Memory { Guest = new Quantity("256Mi"), MaxGuest = new Quantity("512Mi") },
        });
        await using var guest = await RunningGuest.BootAsync(manifest);
        await guest.AgentAsync();
        var volume = Directory.CreateDirectory(Path.Combine(guest.Sandbox.Private, "vmi-disks/extra")).FullName;
        using (var disk = File.Create(Path.Combine(volume, "disk.img")))
            disk.SetLength(48 * MiB);

        var more = manifest with
        {
            Spec = manifest.Spec! with
            {
                Volumes = [new Volume { Name = "extra", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "extra", Hotpluggable = true } }],
                Domain = manifest.Spec.Domain! with
                {
                    Cpu = new CPU { Sockets = 2, MaxSockets = 2 },
                    Memory = new Memory { Guest = new Quantity("384Mi"), MaxGuest = new Quantity("512Mi") },
                    Devices = manifest.Spec.Domain.Devices! with
                    {
                        Disks = [new Disk { Name = "extra", DiskValue = new DiskTarget { Bus = "scsi" }, Serial = "EXTRA1" }],
                        Interfaces = [.. manifest.Spec.Domain.Devices.Interfaces!, new Interface { Name = "second", Masquerade = new InterfaceMasquerade() }],
                    },
                },
            },
        };
        var nic = RunningGuest.Nic("second", "tap1", "02:00:00:00:00:11", "10.0.2.3/24");
        await guest.SyncAsync(more, nic);
        await guest.SyncAsync(more, nic);
        await guest.ShellUntilAsync("cat /sys/block/sda/size 2>/dev/null || true", $"{48 * MiB / 512}");
        await guest.ShellUntilAsync("cat /sys/class/net/eth1/address 2>/dev/null || true", "02:00:00:00:00:11");
        await guest.ShellUntilAsync("grep -c ^processor /proc/cpuinfo", "2");
        var seen = await guest.UntilAsync(o => o.Memory?.GuestCurrentBytes == 384 * MiB);
        Assert.Equal(new CpuObservation(2, 1, 1), seen.Cpus);
        Assert.Equal(["extra"], seen.Volumes.Select(v => v.Name));

        await guest.SyncAsync(manifest);
        await guest.ShellUntilAsync("ls -d /sys/block/sda /sys/class/net/eth1 2>/dev/null || true", "");
        await guest.UntilAsync(o => o.Volumes.Count == 0 && o.Interfaces.All(i => i.Name != "second"));
    }
}
