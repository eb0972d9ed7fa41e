using Troupe.Launcher.Libvirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Server;

/// <summary>Ends the guest when the pod is told to end: the button, again every few seconds, and at last the plug.</summary>
internal sealed class Shutdown(DomainHost host, LauncherOptions options, TimeProvider time, Action<string> log)
{
    private static readonly TimeSpan ButtonInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DestroyPatience = TimeSpan.FromSeconds(15);

    public async Task RunAsync()
    {
        if (!Runs(host.Observation))
            return;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Changed += o =>
        {
            if (!Runs(o))
                ended.TrySetResult();
        };
        var deadline = time.GetUtcNow() + options.GracePeriod;
        while (Runs(host.Observation) && time.GetUtcNow() < deadline)
        {
            await TryAsync(host.ShutdownAsync).ConfigureAwait(false);
            var left = deadline - time.GetUtcNow();
            await Task.WhenAny(ended.Task, Task.Delay(left < ButtonInterval ? Max(left, TimeSpan.Zero) : ButtonInterval, time)).ConfigureAwait(false);
        }

        if (!Runs(host.Observation))
            return;
        log("the guest did not shut down in time; destroying it");
        await TryAsync(host.DestroyAsync).ConfigureAwait(false);
        await Task.WhenAny(ended.Task, Task.Delay(DestroyPatience, time)).ConfigureAwait(false);
    }

    private static bool Runs(DomainObservation o) => o.State is not (DomainState.NoDomain or DomainState.Shutoff or DomainState.Crashed);

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private async Task TryAsync(Func<CancellationToken, Task> act)
    {
        try
        {
            await act(CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            log(e.Message);
        }
    }
}
