using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Operations;

/// <summary>Carries out operations on the running guest.</summary>
internal sealed class DomainOperator(DomainHost host, GuestAgent agent, TimeProvider time, Action<string> log)
{
    // One step there and back wakes a screen and leaves the pointer where it was.
    private const string Nudge = """{"execute":"input-send-event","arguments":{"events":[{"type":"rel","data":{"axis":"x","value":1}},{"type":"rel","data":{"axis":"x","value":-1}}]}}""";
    private ITimer? _unfreeze;

    /// <exception cref="OperationRefusedException">It cannot be done now.</exception>
    public async Task<OperationResult?> RunAsync(DomainOperation operation, CancellationToken ct)
    {
        switch (operation)
        {
            case PauseDomain:
                Require(host.Observation.State is not DomainState.Paused, "VMI is already paused");
                await CallAsync(c => c.Suspend(), ct).ConfigureAwait(false);
                return null;
            case UnpauseDomain:
                Require(host.Observation.State is DomainState.Paused, "VMI is not paused");
                await CallAsync(c => c.Resume(), ct).ConfigureAwait(false);
                return null;
            case FreezeGuest freeze:
                RequireAgent();
                await FreezeAsync(freeze.UnfreezeAfterSeconds, ct).ConfigureAwait(false);
                return null;
            case UnfreezeGuest:
                RequireAgent();
                await UnfreezeAsync(ct).ConfigureAwait(false);
                return null;
            case SoftRebootGuest:
                Require(host.Observation.State is not DomainState.Paused, "VMI is paused");
                await CallAsync(SoftReboot, ct).ConfigureAwait(false);
                return null;
            case ResetDomain:
                await CallAsync(c => c.Reset(), ct).ConfigureAwait(false);
                return null;
            case TakeScreenshot screenshot:
                return await host.CallAsync(c => Screenshot(c, screenshot.MoveCursor), ct).ConfigureAwait(false);
            case AskGuestAgent:
                RequireAgent();
                return await AskAgentAsync(ct).ConfigureAwait(false);
            case PingGuestAgent ping:
                RequireAgent();
                await agent.PingAsync(ping.TimeoutSeconds, ct).ConfigureAwait(false);
                return null;
            case ExecInGuest exec:
                RequireAgent();
                return await agent.ExecAsync(exec, ct).ConfigureAwait(false);
            default:
                throw new OperationRefusedException(LauncherError.Unsupported, $"this launcher knows no operation {operation.GetType().Name}");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new OperationRefusedException(LauncherError.WrongState, otherwise);
    }

    private void RequireAgent()
    {
        if (!host.AgentConnected)
            throw new OperationRefusedException(LauncherError.NoGuestAgent, "VMI does not have guest agent connected");
    }

    private void SoftReboot(LibvirtConnection connection)
    {
        if (host.AgentConnected)
        {
            try
            {
                connection.Reboot(LibvirtNative.RebootAgent);
                return;
            }
            catch (LibvirtException e)
            {
                log($"{e.Message}; pressing the button instead");
            }
        }

        connection.Reboot(LibvirtNative.RebootAcpi);
    }

    private async Task FreezeAsync(int unfreezeAfterSeconds, CancellationToken ct)
    {
        await CallAsync(c => c.Freeze(), ct).ConfigureAwait(false);
        Note("frozen");
        var unfreeze = unfreezeAfterSeconds > 0
            ? time.CreateTimer(_ => _ = UnfreezeByItselfAsync(), null, TimeSpan.FromSeconds(unfreezeAfterSeconds), Timeout.InfiniteTimeSpan)
            : null;
        if (Interlocked.Exchange(ref _unfreeze, unfreeze) is { } previous)
            await previous.DisposeAsync().ConfigureAwait(false);
    }

    private async Task UnfreezeAsync(CancellationToken ct)
    {
        await CallAsync(c => c.Thaw(), ct).ConfigureAwait(false);
        Note("thawed");
        if (Interlocked.Exchange(ref _unfreeze, null) is { } timer)
            await timer.DisposeAsync().ConfigureAwait(false);
    }

    private async Task UnfreezeByItselfAsync()
    {
        log("the guest's file systems were frozen for long enough; thawing them");
        try
        {
            await UnfreezeAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            log(e.Message);
        }
    }

    private void Note(string status) => host.Update(o => o.GuestAgent is { } known ? o with { GuestAgent = known with { FsFreezeStatus = status } } : o);

    private static OperationResult Screenshot(LibvirtConnection connection, bool moveCursor)
    {
        if (moveCursor)
            connection.Monitor(Nudge);
        var (mime, image) = connection.Screenshot();
        return new OperationResult(Bytes: mime == "image/png" ? image : Png.FromPixmap(image));
    }

    private async Task<OperationResult> AskAgentAsync(CancellationToken ct)
    {
        var (seen, links) = await agent.ReadAsync(ct).ConfigureAwait(false);
        host.Update(o => o with { GuestAgent = seen, Interfaces = links is null ? o.Interfaces : AgentFacts.Merge(o.Interfaces, links) });
        return new OperationResult(GuestAgent: seen);
    }

    private Task CallAsync(Action<LibvirtConnection> call, CancellationToken ct) => host.CallAsync(c =>
    {
        call(c);
        return true;
    }, ct);
}

/// <summary>The guest is not in the state that an operation needs.</summary>
internal sealed class OperationRefusedException(LauncherError error, string message) : Exception(message)
{
    public LauncherError Error { get; } = error;
}
