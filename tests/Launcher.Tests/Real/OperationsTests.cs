using System.Buffers.Binary;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

/// <summary>One guest, and everything that can be done to it.</summary>
public sealed class OperationsFixture : IAsyncLifetime
{
    internal RunningGuest Guest { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Guest = await RunningGuest.BootAsync(RunningGuest.Manifest(
            spec: s => s with
            {
                Volumes =
                [
                    new Volume { Name = "seed", CloudInitNoCloud = new CloudInitNoCloudSource { UserData = "#cloud-config\nhostname: from-cloud-init\n", NetworkData = "version: 2\n" } },
                    new Volume { Name = "empty", EmptyDisk = new EmptyDiskSource { Capacity = new Quantity("64Mi") } },
                    new Volume { Name = "host", HostDisk = new HostDisk { Path = "/somewhere/disk.img", Type = "DiskOrCreate", Capacity = new Quantity("32Mi") } },
                    new Volume { Name = "settings", ConfigMap = new ConfigMapVolumeSource { Name = "settings", VolumeLabel = "settings" } },
                ],
                AccessCredentials =
                [
                    new AccessCredential
                    {
                        UserPassword = new UserPasswordAccessCredential
                        {
                            Source = new UserPasswordAccessCredentialSource { Secret = new AccessCredentialSecretSource { SecretName = "passwords" } },
                            PropagationMethod = new UserPasswordAccessCredentialPropagationMethod { QemuGuestAgent = new QemuGuestAgentUserPasswordAccessCredentialPropagation() },
                        },
                    },
                    new AccessCredential
                    {
                        SshPublicKey = new SSHPublicKeyAccessCredential
                        {
                            Source = new SSHPublicKeyAccessCredentialSource { Secret = new AccessCredentialSecretSource { SecretName = "keys" } },
                            PropagationMethod = new SSHPublicKeyAccessCredentialPropagationMethod { QemuGuestAgent = new QemuGuestAgentSSHPublicKeyAccessCredentialPropagation { Users = ["demo"] } },
                        },
                    },
                ],
            },
            domain: d => d with
            {
                Devices = d.Devices! with
                {
                    Disks =
                    [
                        new Disk { Name = "seed", Cdrom = new CDRomTarget { Bus = "scsi" } },
                        new Disk { Name = "empty", DiskValue = new DiskTarget { Bus = "virtio" }, Serial = "EMPTY1" },
                        new Disk { Name = "host", DiskValue = new DiskTarget { Bus = "scsi" } },
                        new Disk { Name = "settings", Cdrom = new CDRomTarget { Bus = "scsi" } },
                    ],
                },
            }),
            sandbox =>
            {
                Write(sandbox, "config-map/settings/colour", "blue\n");
                Write(sandbox, "secret/passwords-access-cred/demo", "new-secret\n");
                Write(sandbox, "secret/keys-access-cred/key1", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ== somebody\n");
                Directory.CreateDirectory(Path.Combine(sandbox.Private, "vmi-disks/host"));
            });
        await Guest.AgentAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Guest is not null)
            await Guest.DisposeAsync();
    }

    private static void Write(LauncherSandbox sandbox, string path, string text)
    {
        var file = Path.Combine(sandbox.Private, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}

[Trait("Category", "Real")]
public sealed class OperationsTests(OperationsFixture fixture) : IClassFixture<OperationsFixture>
{
    private RunningGuest Guest => fixture.Guest;

    [Fact]
    public async Task The_guest_has_its_disks_on_their_buses_with_what_their_volumes_hold()
    {
        Assert.Equal("from-cloud-init", await Guest.ShellAsync("hostname"));
        Assert.Equal($"{64 << 20}", await Guest.ShellAsync("echo $(($(cat /sys/block/vda/size) * 512))"));
        Assert.Equal("EMPTY1", await Guest.ShellAsync("cat /sys/block/vda/serial"));
        Assert.Equal($"{32 << 20}", await Guest.ShellAsync("echo $(($(cat /sys/block/sda/size) * 512))"));
        Assert.Equal("blue", await Guest.ShellAsync("mkdir -p /tmp/s && mount -o ro $(find-disk settings) /tmp/s && cat /tmp/s/colour && umount /tmp/s"));
        Assert.Equal("version: 2", await Guest.ShellAsync("cat /run/cidata/network-config"));
    }

    [Fact]
    public async Task The_guest_agent_tells_about_its_system_users_and_file_systems()
    {
        var agent = (await Guest.OperateAsync(new AskGuestAgent()))!.GuestAgent!;
        Assert.Equal("from-cloud-init", agent.Hostname);
        Assert.NotNull(agent.Os!.KernelRelease);
        Assert.Contains("guest-fsfreeze-freeze", agent.Commands);
        Assert.Contains(agent.Filesystems, f => f.Type == "iso9660");
        Assert.NotNull(agent.Timezone);
        await Guest.OperateAsync(new PingGuestAgent(5));
    }

    [Fact]
    public async Task A_program_in_the_guest_gives_its_output_and_exit_code()
    {
        var result = await Guest.OperateAsync(new ExecInGuest("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], 20));
        Assert.Equal((3, "out\nerr\n"), (result!.ExitCode!.Value, result.Text));
    }

    [Fact]
    public async Task A_paused_guest_stands_still_until_it_is_resumed_and_cannot_be_paused_twice()
    {
        await Guest.OperateAsync(new PauseDomain());
        await Guest.UntilAsync(o => o is { State: DomainState.Paused, Reason: DomainReason.User });
        var again = await Assert.ThrowsAsync<InvalidOperationException>(() => Guest.OperateAsync(new PauseDomain()));
        Assert.Contains("WrongState VMI is already paused", again.Message);
        await Guest.OperateAsync(new UnpauseDomain());
        await Guest.UntilAsync(o => o.State is DomainState.Running);
    }

    [Fact]
    public async Task Frozen_file_systems_thaw_by_themselves_when_nobody_comes_back()
    {
        await Guest.ShellAsync("mkdir -p /tmp/f && grep -q ' /tmp/f ' /proc/mounts || { mke2fs -q /dev/vda && mount /dev/vda /tmp/f; }");
        await Guest.OperateAsync(new FreezeGuest(2));
        await Guest.UntilAsync(o => o.GuestAgent?.FsFreezeStatus == "frozen");
        await Guest.UntilAsync(o => o.GuestAgent?.FsFreezeStatus == "thawed");
        await Guest.OperateAsync(new FreezeGuest(0));
        await Guest.OperateAsync(new UnfreezeGuest());
        await Guest.ShellAsync("umount /tmp/f");
    }

    [Fact]
    public async Task A_screenshot_is_a_PNG_of_the_guests_screen()
    {
        var png = (await Guest.OperateAsync(new TakeScreenshot(MoveCursor: true)))!.Bytes!;
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)) >= 320, "the picture is narrow");
    }

    [Fact]
    public async Task The_agent_sets_passwords_and_keys_from_the_secrets_that_the_spec_names()
    {
        var credentials = (await Guest.UntilAsync(o => o.AccessCredentials is not null)).AccessCredentials!;
        Assert.True(credentials.Synchronized, credentials.Message);
        Assert.Contains("somebody", await Guest.ShellAsync("cat /home/demo/.ssh/authorized_keys"));
        Assert.StartsWith("demo:$", await Guest.ShellAsync("grep ^demo: /etc/shadow"));
    }

    [Fact]
    public async Task The_guests_memory_is_dumped_to_the_volume_that_is_named()
    {
        var plain = Guest.Vmi;
        var wanting = plain with { Spec = plain.Spec! with { Volumes = [.. plain.Spec.Volumes ?? [], new Volume { Name = "dump", MemoryDump = new MemoryDumpVolumeSource { ClaimName = "dump" } }] } };
        // Not there yet: nothing is dumped anywhere.
        await Guest.SyncAsync(wanting);
        Assert.Null((await Guest.UntilAsync(_ => true)).MemoryDump);

        var folder = Directory.CreateDirectory(Path.Combine(Guest.Sandbox.Private, "vmi-disks/dump")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "old.memory.dump"), "a claim has room for one");
        await Guest.SyncAsync(wanting);
        await Guest.SyncAsync(wanting);
        var dump = (await Guest.UntilAsync(o => o.MemoryDump?.EndedAt is not null)).MemoryDump!;
        Assert.Null(dump.Error);
        var file = Assert.Single(Directory.GetFiles(folder));
        Assert.Equal((dump.FileName, "dump"), (Path.GetFileName(file), dump.Volume));
        Assert.Matches(@"^[^/]+-dump-\d{8}-\d{6}\.memory\.dump$", dump.FileName);
        await using (var core = File.OpenRead(file))
        {
            var header = new byte[18];
            await core.ReadExactlyAsync(header, TestContext.Current.CancellationToken);
            Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F'], header[..4]);
            Assert.Equal(4, header[16]);
            Assert.True(core.Length > 160 << 20, $"a core of {core.Length} bytes");
        }

        await Guest.UntilAsync(o => o.State is DomainState.Running);
        await Guest.SyncAsync(plain);
        await Guest.UntilAsync(o => o.MemoryDump is null);
        // Plugged in anew, it is dumped anew.
        await Guest.SyncAsync(wanting);
        await Guest.UntilAsync(o => o.MemoryDump?.EndedAt is not null);
        await Guest.SyncAsync(plain);
        await Guest.UntilAsync(o => o.MemoryDump is null);
    }
}
