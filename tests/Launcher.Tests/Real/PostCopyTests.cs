using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Xunit;
using static Troupe.Launcher.Tests.Real.Moving;

namespace Troupe.Launcher.Tests.Real;

/// <summary>Guests that go on at the target before all of their memory is there, or might.</summary>
// Not beside one another: on a busy machine emulated QEMU loses sight of dirty pages.
[Collection("Guests on the move")]
[Trait("Category", "Real")]
public sealed class PostCopyTests
{
    /// <summary>After so many seconds, since all of the guest's memory is less than a GiB.</summary>
    private static readonly MigrationOptions PostCopy = Plain with { CompletionTimeoutPerGiB = 4, AllowWorkloadDisruption = true, AllowPostCopy = true };

    [Fact]
    public async Task A_guest_that_writes_faster_than_it_is_sent_goes_on_at_the_target_by_post_copy()
    {
        await using var source = await DirtyAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        // So slowly that nearly all is still to come when QEMU, emulated and perhaps on a busy machine, gets to the switch.
        await MoveAsync(source, target, PostCopy with { BandwidthBytesPerSecond = 6 * MiB }, async () =>
        {
            await source.UntilAsync(o => o.Migration is { Forecast.Strategy: MigrationStrategy.PostCopy });
            var arriving = await target.UntilAsync(o => o.Migration?.Target is TargetStage.Arriving);
            Assert.Equal(DomainState.Running, arriving.State);
        });
        await target.AgentAsync();
        Assert.Equal("over", await target.ShellAsync("dirty off >/dev/null; echo over"));
    }

    [Fact]
    public async Task A_copy_that_may_become_post_copy_and_ends_by_itself_leaves_the_target_paused_until_it_has_the_right()
    {
        await using var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await source.ShellAsync("echo remembered > /tmp/word");
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, PostCopy with { BandwidthBytesPerSecond = 20 * MiB, CompletionTimeoutPerGiB = 60 });
        await source.UntilAsync(o => o.Migration?.Progress is { ProcessedBytes: > 4 * MiB });
        await source.Sandbox.MutePeerAsync();
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Loaded);
        Assert.NotEqual(DomainState.Running, target.Latest.State);
        await target.AskAsync(new AdoptIncoming(Target, "m"));
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Running);
    }

    [Fact]
    public async Task A_migration_that_may_become_post_copy_is_aborted_before_it_does()
    {
        await using var source = await DirtyAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, PostCopy with { BandwidthBytesPerSecond = 10 * MiB, CompletionTimeoutPerGiB = 60 });
        await source.UntilAsync(o => o.Migration?.Progress is not null);
        await source.AskAsync(new AbortMigrate(1, "m", Target));
        await source.UntilAsync(o => o is { State: DomainState.Running, Migration.Source: SourceStage.Kept });
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Failed);
        Assert.Equal("here", await source.ShellAsync("dirty off >/dev/null; echo here"));
    }

    [Fact]
    public async Task A_network_that_breaks_in_post_copy_ends_the_guest_at_both_ends_with_the_reason()
    {
        await using var source = await DirtyAsync();
        await using var target = await RunningGuest.AwaitAsync(source.Vmi);
        await BeginAsync(source, target, PostCopy with { BandwidthBytesPerSecond = 4 * MiB, CompletionTimeoutPerGiB = 3 });
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Arriving);
        await LauncherSandbox.CutAsync(source.Sandbox);
        var lost = await target.UntilAsync(o => o is { State: DomainState.Shutoff, Migration.Target: TargetStage.Failed });
        Assert.Equal(DomainReason.Crashed, lost.Reason);
        Assert.StartsWith("the guest was lost in post-copy", lost.Message, StringComparison.Ordinal);
        await source.UntilAsync(o => o is { State: DomainState.Shutoff, Migration.Source: SourceStage.PassedOn });
    }
}
