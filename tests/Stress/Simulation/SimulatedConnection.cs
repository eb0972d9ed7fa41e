using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Wire;
using Troupe.NodeActors.Launchers;

namespace Troupe.Stress.Simulation;

/// <summary>A connection to a simulated launcher. Everything that passes is encoded and decoded, as on the real socket.</summary>
internal sealed class SimulatedConnection(SimulatedLauncher launcher, Action<DomainObservation> changed, Action closed) : ILauncher
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _closed;

    /// <summary>The simulation's own: it lives as long as any launcher does. That a launcher has ended, its connector tells.</summary>
    public LauncherProcess Process { get; } = LauncherProcess.Of(Environment.ProcessId);

    public bool IsGreeted { get; set; }

    public async Task<LauncherReply> AskAsync(ILauncherRequest request, CancellationToken ct)
    {
        var reply = new TaskCompletionSource<LauncherReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        launcher.Ask(Copy(request), this, r => reply.TrySetResult(Copy(r)));
        await Task.WhenAny(reply.Task, _end.Task).WaitAsync(ct).ConfigureAwait(false);
        return reply.Task.IsCompletedSuccessfully ? await reply.Task.ConfigureAwait(false) : throw new IOException("the launcher has closed the connection");
    }

    public void Push(DomainObservation observation)
    {
        if (Volatile.Read(ref _closed) == 0)
            changed(Copy(new DomainChanged(observation)).Domain);
    }

    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 1)
            return;
        _end.TrySetResult();
        closed();
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private static T Copy<T>(T message) where T : IWireMessage =>
        (T)WireCodec.Default.Decode(WireCodec.Default.Encode(message), WireCodec.Default.ManifestOf(message));
}
