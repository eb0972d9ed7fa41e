using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

/// <summary>A guest's way from one launcher to another, with the orders that a conductor would give.</summary>
internal static class Moving
{
    public const long MiB = 1 << 20;

    /// <summary>The epoch in which the target has the guest.</summary>
    public const long Target = 2;
    public static readonly MigrationOptions Plain = new(0, 0, AutoConverge: false, 0, AllowUnsafe: false, CopyDisks: true);

    /// <summary>A guest that writes to its memory without end.</summary>
    public static async Task<RunningGuest> DirtyAsync()
    {
        var source = await RunningGuest.BootAsync(RunningGuest.Manifest());
        await source.AgentAsync();
        await source.ShellAsync("dirty 48 60");
        return source;
    }

    public static async Task MoveAsync(RunningGuest source, RunningGuest target, MigrationOptions options, Func<Task>? meanwhile = null)
    {
        await BeginAsync(source, target, options);
        if (meanwhile is not null)
            await meanwhile();
        await source.UntilAsync(o => o.Migration?.Source is SourceStage.PassedOn);
        await target.UntilAsync(o => o.Migration?.Target is TargetStage.Running);
    }

    public static async Task BeginAsync(RunningGuest source, RunningGuest target, MigrationOptions options)
    {
        var address = await LauncherSandbox.LinkAsync(source.Sandbox, target.Sandbox);
        var here = await source.UntilAsync(o => o.Certificate is not null);
        await target.AskAsync(new PrepareIncoming(Target, "m", address, here.Certificate!, target.Vmi, target.Context)
        {
            Platform = here.Platform,
            Paused = here is { State: DomainState.Paused, Reason: DomainReason.User },
        });
        var ready = await target.UntilAsync(o => o.Migration?.Target is TargetStage.Ready or TargetStage.Failed);
        Assert.True(ready.Migration!.Target is TargetStage.Ready, ready.Migration.Message);
        await source.AskAsync(new MigrateDomain(1, "m", Target, ready.Migration.Endpoint!, options));
    }
}
