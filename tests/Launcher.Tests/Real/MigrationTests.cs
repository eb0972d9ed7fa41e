using Troupe.Launcher.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.NodeActors.Launchers;
using Xunit;
using static Troupe.Launcher.Tests.Real.Moving;

namespace Troupe.Launcher.Tests.Real;

/// <summary>Two launchers and a guest between them, with the orders that a conductor would give.</summary>
// Not beside one another: on a busy machine emulated QEMU loses sight of dirty pages.
[Collection("Guests on the move")]
[Trait("Category", "Real")]
public sealed class MigrationTests
{
    /// <summary>Boots many times slower than a PC's BIOS where nothing but emulation is to be had.</summary>
    private static readonly TimeSpan EmulatedFirmware = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task UEFI_variables_and_the_TPM_move_with_their_guest()
    {
        var vmi = RunningGuest.Manifest(d => d with
        {
            Memory = new Memory { Guest = new Quantity("384Mi") },
            Firmware = d.Firmware! with { Bootloader = new Bootloader { Efi = new EFI { SecureBoot = false, Persistent = true } } },
            Devices = d.Devices! with { Tpm = new TPMDevice { Persistent = true } },
        });
        await using var source = await RunningGuest.BootAsync(vmi);
        await source.AgentAsync(EmulatedFirmware);
        await using var target = await RunningGuest.AwaitAsync(vmi);
        await MoveAsync(source, target, Plain);

        await target.AgentAsync();
        // The firmware noted at the first boot what it can boot from; a target that began anew would have the empty template.
        var (kept, moved) = (await File.ReadAllBytesAsync(Variables(source)), await File.ReadAllBytesAsync(Variables(target)));
        Assert.True(kept.AsSpan().SequenceEqual(moved), "the target has other UEFI variables");
        Assert.DoesNotContain(Directory.GetFiles("/usr/share/OVMF", "*VARS*.fd"), template => File.ReadAllBytes(template).AsSpan().SequenceEqual(moved));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(target.Sandbox.Private, "libvirt/qemu/swtpm"), "tpm2-*", SearchOption.AllDirectories));

        static string Variables(RunningGuest guest) => Path.Combine(guest.Sandbox.Private, "libvirt/qemu/nvram/demo_VARS.fd");
    }

    [Fact]
    public async Task A_guest_whose_copy_takes_too_long_is_paused_where_it_may_be_and_runs_on_at_the_target()
    {
        // It has much memory in use and writes little: of a guest that writes much, QEMU's emulation loses sight of some writes (docs/stress.md), and what arrives may panic.
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        Assert.Equal("full", await source.ShellAsync("yes x | head -c 33554432 >/tmp/fill; echo full"));
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        // Paused after 6 s in the first pass, in which 100 MiB or so take 9 s; after 12 s it would be given up.
        await MoveAsync(source, target, Plain with { BandwidthBytesPerSecond = 12 * MiB, CompletionTimeoutPerGiB = 6, AllowWorkloadDisruption = true }, async () =>
        {
            var paused = await source.UntilAsync(o => o.Migration?.Forecast?.Strategy is MigrationStrategy.Paused);
            Assert.NotEqual(DomainReason.User, paused.Reason);
        });
        await target.AgentAsync();
        Assert.Equal("33554432", await target.ShellAsync("wc -c </tmp/fill"));
    }

    [Fact]
    public async Task A_guest_that_may_not_be_paused_stays_where_it_is_when_its_time_is_up()
    {
        await using var source = await DirtyAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, Plain with { BandwidthBytesPerSecond = 20 * MiB, CompletionTimeoutPerGiB = 8 });
        var kept = await source.UntilAsync(o => o.Migration?.Source is SourceStage.Kept);
        Assert.StartsWith("Live migration has been aborted: not completed after", kept.Migration!.Message, StringComparison.Ordinal);
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Failed);
        Assert.Equal("here", await source.ShellAsync("dirty off >/dev/null; echo here"));
    }

    [Fact]
    public async Task A_source_launcher_that_is_killed_when_the_target_has_the_guest_leaves_word_of_it_and_the_guest_runs_on_there()
    {
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await source.ShellAsync("echo remembered > /tmp/word");
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, Plain with { BandwidthBytesPerSecond = 10 * MiB });
        // libvirt has asked the target for all it needs before the last step.
        await source.UntilAsync(o => o.Migration?.Progress is { ProcessedBytes: > 4 * MiB });
        // From now on the source does not hear that the target has it.
        await source.Sandbox.MutePeerAsync();
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Loaded);
        Assert.Equal(SourceStage.Migrating, source.Latest.Migration?.Source);
        Assert.Null(LastWord(source));

        source.Sandbox.KillLauncher();
        await source.Sandbox.Ended;
        Assert.Equal(new LastWord(LauncherSandbox.Uid, "m", Target), LastWord(source));
        await target.AskAsync(new AdoptIncoming(Target, "m"));
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Running);
        await target.AgentAsync();
        Assert.Equal("remembered", await target.ShellAsync("cat /tmp/word"));
    }

    [Fact]
    public async Task A_source_launcher_that_is_killed_after_it_went_back_leaves_no_word()
    {
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, Plain with { BandwidthBytesPerSecond = 10 * MiB });
        await source.UntilAsync(o => o.Migration?.Progress is not null);
        await source.AskAsync(new AbortMigrate(1, "m", Target));
        await source.UntilAsync(o => o.Migration?.Source is SourceStage.Kept);
        source.Sandbox.KillLauncher();
        await source.Sandbox.Ended;
        Assert.Null(LastWord(source));
    }

    [Fact]
    public async Task A_guest_that_its_user_paused_arrives_paused()
    {
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await source.OperateAsync(new PauseDomain());
        await source.UntilAsync(o => o is { State: DomainState.Paused, Reason: DomainReason.User });
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await MoveAsync(source, target, Plain);
        await target.UntilAsync(o => o is { State: DomainState.Paused, Reason: DomainReason.User });
        await target.OperateAsync(new UnpauseDomain());
        // QEMU tells of the agent's channel only once the guest's clock runs again.
        await target.AgentAsync();
        Assert.Equal("awake", await target.ShellAsync("echo awake"));
    }

    [Fact]
    public async Task A_target_that_lacks_the_guests_machine_type_says_so_and_never_listens()
    {
        await using var target = await RunningGuest.AwaitAsync(RunningGuest.Manifest());
        await target.AskAsync(new PrepareIncoming(Target, "m", "127.0.0.1", "", target.Vmi, target.Context) { Platform = new PlatformObservation("qemu", "pc-q35-99.1", "7.2.0", "9.0.0", null) });
        var failed = (await target.UntilAsync(o => o.Migration?.Target is TargetStage.Failed)).Migration!;
        Assert.Equal((PreflightReasons.MachineType, "this node has no machine type pc-q35-99.1"), (failed.Reason, failed.Message));
        Assert.Null(failed.Endpoint);
    }

    [Fact]
    public async Task A_guest_goes_over_the_migration_network_where_one_is_configured()
    {
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        var address = await LauncherSandbox.LinkAsync(source.Sandbox, target.Sandbox, MigrationNetwork.Interface);
        var here = await source.UntilAsync(o => o.Certificate is not null);
        // An address that the pod does not have: nobody could listen there.
        await target.AskAsync(new PrepareIncoming(Target, "m", "192.0.2.7", here.Certificate!, target.Vmi, target.Context) { Platform = here.Platform, Network = "kubevirt/migration" });
        var ready = await target.UntilAsync(o => o.Migration?.Target is TargetStage.Ready or TargetStage.Failed);
        Assert.Equal(address, ready.Migration!.Endpoint?.Address);
        await source.AskAsync(new MigrateDomain(1, "m", Target, ready.Migration.Endpoint!, Plain with { Network = "kubevirt/migration" }));
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Running);
        await target.AgentAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_launcher_that_is_not_in_the_migration_network_says_so_and_the_guest_stays(bool targetIs)
    {
        const string Missing = "migration network kubevirt/migration: this pod has no interface migration0; pods that were started before the network was configured have none";
        if (!targetIs)
        {
            await using var target = await RunningGuest.AwaitAsync(RunningGuest.Manifest());
            await target.AskAsync(new PrepareIncoming(Target, "m", "127.0.0.1", "", target.Vmi, target.Context) { Network = "kubevirt/migration" });
            Assert.Equal(Missing, (await target.UntilAsync(o => o.Migration?.Target is TargetStage.Failed)).Migration!.Message);
            return;
        }

        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AskAsync(new MigrateDomain(1, "m", Target, new MigrationEndpoint("10.99.0.2", 49152, ""), Plain with { Network = "kubevirt/migration" }));
        var kept = await source.UntilAsync(o => o.Migration?.Source is SourceStage.Kept);
        Assert.Equal((Missing, DomainState.Running), (kept.Migration!.Message, kept.State));
    }

    private static LastWord? LastWord(RunningGuest guest)
    {
        using var folder = new Kubelet(guest.Sandbox);
        return new LauncherConnector(folder.Pods).LastWord("pod");
    }

    /// <summary>The sandbox's folder where an agent would look for it.</summary>
    private sealed class Kubelet : IDisposable
    {
        private readonly string _root = Directory.CreateTempSubdirectory("troupe-kubelet-").FullName;

        public Kubelet(LauncherSandbox sandbox)
        {
            Pods = new PodFolders(_root);
            Directory.CreateDirectory(Path.GetDirectoryName(Pods.Sockets("pod"))!);
            Directory.CreateSymbolicLink(Pods.Sockets("pod"), Path.Combine(sandbox.Root, "run/kubevirt/sockets"));
        }

        public PodFolders Pods { get; }

        public void Dispose() => Directory.Delete(_root, recursive: true);
    }
}
