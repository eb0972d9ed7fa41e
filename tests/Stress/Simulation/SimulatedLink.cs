using System.Threading.Channels;

namespace Troupe.Stress.Simulation;

/// <summary>The connections of one attempt between two launchers: in order, late, and broken for both at once.</summary>
internal sealed class SimulatedLink
{
    private readonly SimulatedNetwork _network;
    private readonly SimulationTiming _timing;
    private readonly TimeProvider _time;
    private readonly Channel<Action> _toTarget = Channel.CreateUnbounded<Action>();
    private readonly Channel<Action> _toSource = Channel.CreateUnbounded<Action>();
    private int _broken;

    public SimulatedLink(SimulatedNetwork network, SimulatedLauncher source, SimulatedLauncher target, SimulationTiming timing, TimeProvider time)
    {
        (_network, Source, Target, _timing, _time) = (network, source, target, timing, time);
        _ = CarryAsync(_toTarget, source.Node, target.Node);
        _ = CarryAsync(_toSource, target.Node, source.Node);
        target.Post(() => target.OnPeerConnected(this));
    }

    public SimulatedLauncher Source { get; }

    public SimulatedLauncher Target { get; }

    public bool IsBroken => Volatile.Read(ref _broken) == 1;

    /// <summary>Does this at the target when it has arrived there; nothing when the connection breaks before.</summary>
    public void AtTarget(Action<SimulatedLauncher> act) => _toTarget.Writer.TryWrite(() => Target.Post(() => act(Target)));

    public void AtSource(Action<SimulatedLauncher> act) => _toSource.Writer.TryWrite(() => Source.Post(() => act(Source)));

    /// <summary>Ends the connections; both sides learn of it, each in its own order.</summary>
    public void Break()
    {
        if (Interlocked.Exchange(ref _broken, 1) == 1)
            return;
        _toTarget.Writer.TryComplete();
        _toSource.Writer.TryComplete();
        Source.Post(() => Source.OnLinkLost(this));
        Target.Post(() => Target.OnPeerLost(this));
    }

    private async Task CarryAsync(Channel<Action> channel, string from, string to)
    {
        try
        {
            await foreach (var arrive in channel.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                await Task.Delay(_timing.Latency, _time).ConfigureAwait(false);
                await _network.PassAsync(from, to, _timing.KeepAlive).ConfigureAwait(false);
                if (IsBroken)
                    return;
                arrive();
            }
        }
        catch (IOException)
        {
            Break();
        }
    }
}
