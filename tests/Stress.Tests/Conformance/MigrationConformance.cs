using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>What a conductor may rely on at both ends of a migration.</summary>
public abstract class MigrationConformance(ILauncherLab lab) : LauncherConformance(lab)
{
    private const long SourceEpoch = 1;
    private const long TargetEpoch = 2;
    private const string Id = "migration";

    [Fact]
    public async Task A_guest_moves_and_is_gone_where_it_was()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(order);
        var there = await target.StageAsync(TargetStage.Running);
        Assert.Equal((TargetEpoch, DomainState.Running), (there.Epoch, there.State));
        var here = await source.UntilAsync(o => o.State is DomainState.Shutoff && o.Migration?.Source is SourceStage.PassedOn);
        Assert.Equal(DomainReason.Migrated, here.Reason);
        Assert.False(source.HasGuest);
        Assert.True(target.HasGuest);
        // Told again, neither does anything again.
        await source.DoAsync(order);
        await target.DoAsync(new AdoptIncoming(TargetEpoch, Id));
        Assert.Equal(DomainState.Running, (await target.DoAsync(new LauncherHello("test", LauncherProtocol.Version))).Domain.State);
    }

    [Fact]
    public async Task Orders_of_another_epoch_are_refused_at_both_ends()
    {
        var (source, target, order) = await ReadyAsync();
        foreach (var stale in (ILauncherRequest[])[order with { Epoch = 0 }, order with { Epoch = TargetEpoch }, new AbortMigrate(0, Id, TargetEpoch)])
            Assert.Equal(LauncherError.StaleEpoch, (await source.AskAsync(stale)).Error);
        foreach (var stale in (ILauncherRequest[])[new AdoptIncoming(TargetEpoch - 1, Id), new AdoptIncoming(TargetEpoch + 1, Id), new RefuseIncoming(TargetEpoch - 1, Id), Prepare("", TargetEpoch - 1, target), Prepare("", TargetEpoch + 1, target)])
            Assert.Equal(LauncherError.StaleEpoch, (await target.AskAsync(stale)).Error);
        Assert.Null((await source.DoAsync(new LauncherHello("test", LauncherProtocol.Version))).Domain.Migration);
    }

    [Fact]
    public async Task An_attempt_that_is_aborted_before_it_begins_never_begins()
    {
        var (source, _, order) = await ReadyAsync();
        await source.DoAsync(new AbortMigrate(SourceEpoch, Id, TargetEpoch));
        await source.DoAsync(order);
        var kept = await source.StageAsync(SourceStage.Kept);
        Assert.Equal((DomainState.Running, TargetEpoch), (kept.State, kept.Migration!.TargetEpoch));
    }

    [Fact]
    public async Task An_attempt_that_is_aborted_keeps_the_guest_and_leaves_nothing_at_the_target()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(order with { Options = order.Options with { BandwidthBytesPerSecond = 1 << 20 } });
        await source.UntilAsync(o => o.Migration?.Progress is not null);
        await source.DoAsync(new AbortMigrate(SourceEpoch, Id, TargetEpoch));
        Assert.Equal(DomainState.Running, (await source.StageAsync(SourceStage.Kept)).State);
        await target.StageAsync(TargetStage.Failed);
        Assert.True(source.HasGuest);
        await EventuallyAsync(() => !target.HasGuest, "nothing of the guest is left at the target");
    }

    [Fact]
    public async Task A_target_that_promised_not_to_run_the_guest_ends_the_attempt()
    {
        var (source, target, order) = await ReadyAsync();
        await target.DoAsync(new RefuseIncoming(TargetEpoch, Id));
        await target.StageAsync(TargetStage.Failed);
        await source.DoAsync(order);
        var kept = await source.StageAsync(SourceStage.Kept);
        Assert.Equal(DomainState.Running, kept.State);
        Assert.NotNull(kept.Migration!.Message);
    }

    [Fact]
    public async Task A_source_that_is_not_the_one_that_was_named_gets_in_nowhere()
    {
        var (stranger, hello) = await StartAsync();
        var (source, target, order) = await ReadyAsync(certificate: hello.Domain.Certificate);
        await source.DoAsync(order);
        Assert.Equal(DomainState.Running, (await source.StageAsync(SourceStage.Kept)).State);
        Assert.Equal(TargetStage.Ready, (await target.DoAsync(new LauncherHello("test", LauncherProtocol.Version))).Domain.Migration!.Target);
        Assert.False(stranger.HasGuest);
    }

    [Fact]
    public async Task A_target_launcher_that_dies_in_mid_copy_leaves_the_guest_running_at_the_source()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(order with { Options = order.Options with { BandwidthBytesPerSecond = 1 << 20 } });
        await source.UntilAsync(o => o.Migration?.Progress is not null);
        await target.KillAsync();
        var kept = await source.StageAsync(SourceStage.Kept);
        Assert.Equal(DomainState.Running, kept.State);
        Assert.NotNull(kept.Migration!.Message);
        Assert.True(source.HasGuest);
    }

    [Fact]
    public async Task A_guest_whose_QEMU_dies_in_mid_copy_has_crashed_and_is_not_run_by_the_target()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(order with { Options = order.Options with { BandwidthBytesPerSecond = 1 << 20 } });
        await source.UntilAsync(o => o.Migration?.Progress is not null);
        await source.KillGuestAsync();
        Assert.Equal(DomainReason.Crashed, (await source.UntilAsync(o => o.State is DomainState.Shutoff)).Reason);
        await source.StageAsync(SourceStage.Kept);
        await target.StageAsync(TargetStage.Failed);
        await EventuallyAsync(() => !target.HasGuest, "nothing of the guest is left at the target");
    }

    [Fact]
    public async Task A_guest_goes_on_at_the_target_by_post_copy_and_an_abort_comes_too_late()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(Slowly(order));
        var there = await target.StageAsync(TargetStage.Arriving);
        Assert.Equal((DomainState.Running, DomainReason.Migrated), (there.State, there.Reason));
        await source.DoAsync(new AbortMigrate(SourceEpoch, Id, TargetEpoch));
        await source.UntilAsync(o => o.Migration?.Source is SourceStage.Switched);
        Assert.True(source.HasGuest);
        Assert.Equal(DomainState.Running, (await target.StageAsync(TargetStage.Running)).State);
        Assert.Equal(DomainReason.Migrated, (await source.UntilAsync(o => o.State is DomainState.Shutoff && o.Migration?.Source is SourceStage.PassedOn)).Reason);
        Assert.False(source.HasGuest);
    }

    [Fact]
    public async Task A_guest_whose_source_dies_in_post_copy_is_lost_and_the_target_says_so()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(Slowly(order));
        await target.StageAsync(TargetStage.Arriving);
        await source.KillAsync();
        var lost = await target.UntilAsync(o => o is { State: DomainState.Shutoff, Migration.Target: TargetStage.Failed });
        Assert.Equal(DomainReason.Crashed, lost.Reason);
        Assert.Contains("post-copy", lost.Message, StringComparison.Ordinal);
        Assert.False(target.HasGuest);
    }

    [Fact]
    public async Task A_source_whose_target_dies_in_post_copy_does_not_take_the_guest_back()
    {
        var (source, target, order) = await ReadyAsync();
        await source.DoAsync(Slowly(order));
        await target.StageAsync(TargetStage.Arriving);
        await target.KillAsync();
        await source.StageAsync(SourceStage.PassedOn);
        await EventuallyAsync(() => !source.HasGuest, "nothing of the guest is left at the source");
    }

    /// <summary>Switches after a second, when most of the memory is still to come, and goes on slowly then.</summary>
    private static MigrateDomain Slowly(MigrateDomain order) => order with
    {
        Options = order.Options with { BandwidthBytesPerSecond = 8 << 20, CompletionTimeoutPerGiB = 1, AllowWorkloadDisruption = true, AllowPostCopy = true },
    };

    private static async Task EventuallyAsync(Func<bool> holds, string what) =>
        await EndToEnd.Harness.Eventually.True(what, () => Task.FromResult(holds()), LauncherUnderTest.Patience);

    /// <summary>A guest that runs at the source, a target that listens, and the order that starts the copying.</summary>
    /// <param name="certificate">Of whoever the target is told to let in; the source's by default.</param>
    private async Task<(LauncherUnderTest Source, LauncherUnderTest Target, MigrateDomain Order)> ReadyAsync(string? certificate = null)
    {
        var source = await RunningAsync(SourceEpoch);
        var (target, _) = await StartAsync();
        await Lab.LinkAsync(source, target);
        certificate ??= (await source.DoAsync(new LauncherHello("test", LauncherProtocol.Version))).Domain.Certificate!;
        await target.DoAsync(Prepare(certificate, TargetEpoch, target));
        var ready = await target.StageAsync(TargetStage.Ready);
        return (source, target, new MigrateDomain(SourceEpoch, Id, TargetEpoch, ready.Migration!.Endpoint!,
            new MigrationOptions(0, 0, AutoConverge: false, ParallelChannels: 0, AllowUnsafe: true, CopyDisks: true)));
    }

    private PrepareIncoming Prepare(string certificate, long epoch, LauncherUnderTest target) => new(epoch, Id, target.Address, certificate, Lab.Vmi, Lab.Context);
}

/// <summary>Without libvirt.</summary>
public sealed class SimulatedLauncherTests() : MigrationConformance(new SimulatedLab());

/// <summary>With libvirt and QEMU.</summary>
[Trait("Category", "Real")]
public sealed class RealLauncherTests() : MigrationConformance(new RealLab());
